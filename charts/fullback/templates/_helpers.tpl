{{- define "fullback.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Leaves room for the longest suffix, so that every object stays below 63 characters. */}}
{{- define "fullback.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "fullback.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fullback.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fullback.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "fullback.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: fullback
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fullback.apiServiceAccount" -}}
{{- $made := ternary (printf "%s-api" (include "fullback.fullname" .)) "default" .Values.api.serviceAccount.create }}
{{- default $made .Values.api.serviceAccount.name }}
{{- end }}

{{- define "fullback.workerServiceAccount" -}}
{{- $made := ternary (printf "%s-worker" (include "fullback.fullname" .)) "default" .Values.worker.serviceAccount.create }}
{{- default $made .Values.worker.serviceAccount.name }}
{{- end }}

{{- define "fullback.image" -}}
{{- $tag := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- ternary (printf "%s@%s" .Values.image.repository .Values.image.digest) $tag (not (empty .Values.image.digest)) }}
{{- end }}

{{/* A Job cannot be changed, so each image gets its own. */}}
{{- define "fullback.migrateJob" -}}
{{- $version := default (default .Chart.AppVersion .Values.image.tag) (trunc 12 (trimPrefix "sha256:" .Values.image.digest)) }}
{{- $slug := regexReplaceAll "[^a-z0-9]+" (lower $version) "-" }}
{{- printf "%s-migrate-%s" (include "fullback.fullname" .) $slug | trunc 63 | trimSuffix "-" }}
{{- end }}
