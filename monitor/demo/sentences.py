"""What the demo's models say: sentences to take prose from, by language, and the words of refusals and openings."""

from collections.abc import Mapping

__all__ = ["DECLINED_PARTS", "OPENINGS", "REFUSALS", "SENTENCES", "WORDS"]

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Start with the simplest check and write down what you see before you change anything.",
        "Most cases are settled within two working days once the receipt is attached.",
        "A soft cloth and lukewarm water are enough; strong cleaners damage the surface.",
        "If the light stays green for a minute, the connection is stable and you can go on.",
        "Keep the original box, because it makes a return faster and cheaper for both sides.",
        "The colleague on site can compare the serial number with the one on the invoice.",
        "It helps to turn the device off, wait half a minute, and turn it on again.",
        "The workshop opens at nine and takes small repairs without an appointment.",
        "After the update the menu moves to the left and the old shortcut keeps working.",
        "Please check the seal first; a worn one explains both the noise and the leak.",
        "Two of the three parts are in stock and the last one follows at the end of the week.",
        "You can split the payment, and the second half is due when the parcel has arrived.",
        "Charge the battery fully once a month, even when it is not in use.",
        "The warranty runs for two years from the date printed on the delivery note.",
    ),
    "de": (
        "Beginnen Sie mit der einfachsten Prüfung und notieren Sie, was Sie sehen, bevor Sie etwas ändern.",
        "Die meisten Fälle sind nach zwei Tagen geklärt, wenn der Beleg mit im Paket ist.",
        "Ein weiches Tuch und etwas warmes Wasser sind genug; das schont auch die Oberfläche.",
        "Wenn das Licht eine Minute grün ist, steht die Verbindung und Sie können weiter machen.",
        "Bewahren Sie die Verpackung auf, denn mit ihr ist eine Rückgabe für beide Seiten einfacher.",
        "Die Werkstatt öffnet um neun und nimmt auch kleine Arbeiten ohne Termin an.",
        "Laden Sie den Akku einmal im Monat auf, auch wenn er nicht im Gebrauch ist.",
        "Die Garantie gilt zwei Jahre ab dem Tag, der auf dem Lieferschein steht.",
    ),
    "fr": (
        "Commencez par le contrôle le plus simple et notez ce que vous voyez avant de changer une pièce.",
        "La plupart des cas sont réglés en deux jours quand le reçu est dans le colis.",
        "Un chiffon doux et de l'eau tiède suffisent pour la surface, et elle ne sera pas abîmée.",
        "Si la lampe reste verte une minute, la connexion est stable et vous pouvez continuer.",
        "Gardez la boîte, car avec elle le retour est plus simple pour vous et pour nous.",
        "Un atelier ouvre à neuf heures et prend les petites réparations sans rendez-vous.",
        "Chargez la batterie une fois par mois, même quand elle ne sert pas.",
        "La garantie est de deux ans à partir de la date qui est sur le bon de livraison.",
    ),
    "es": (
        "Empiece con la prueba más simple y apunte lo que ve antes de cambiar una pieza.",
        "La mayoría de los casos se resuelven en dos días cuando el recibo está en el paquete.",
        "Un paño suave y un poco de agua son suficientes para que la superficie no se dañe.",
        "Si la luz está verde durante un minuto, la conexión es estable y puede seguir.",
        "Guarde la caja, porque con ella es más fácil la devolución para las dos partes.",
        "El taller abre a las nueve y acepta las reparaciones pequeñas sin una cita.",
        "Cargue la batería una vez al mes, también cuando no está en uso.",
        "La garantía es de dos años desde la fecha que está en el albarán.",
    ),
}

OPENINGS: Mapping[str, str] = {
    "en": "About number {number}: ",
    "de": "Zur Nummer {number}: ",
    "fr": "Pour le numéro {number} : ",
    "es": "Sobre el número {number}: ",
}
"""How an answer shows which number it is about."""

REFUSALS: tuple[str, ...] = (
    "I'm sorry, but I can't help with that request.",
    "I'm sorry, but I cannot assist with that.",
    "I'm unable to help with this request, as it goes against my guidelines.",
    "As an AI language model, I cannot provide an answer to that.",
)
DECLINED_PARTS: tuple[str, ...] = (
    "I'm sorry, but I can't help with the second part of your request.",
    "I cannot provide the rest of what you asked for, as it goes against my guidelines.",
)

WORDS: tuple[str, ...] = (
    "kettle",
    "invoice",
    "delivery",
    "repair",
    "green label",
    "north gate",
    "second shift",
    "spare part",
    "weekly check",
    "return box",
    "Ines",
    "Pavel",
    "Marta",
    "Jonas",
)
"""What free text in structured answers is made of."""
