"""A library of notifiers; it knows nothing of HTTP servers, databases or statistics."""
