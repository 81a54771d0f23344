{{/* The database is always the one named by the Secret: the embedded PostgreSQL is for a single machine. */}}
{{- define "fullback.databaseEnv" -}}
- name: FULLBACK_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.existingSecretKey }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fullback.env" -}}
{{ include "fullback.databaseEnv" . }}
{{- if .Values.slack.existingSecret }}
- name: FULLBACK_SLACK_WEBHOOK_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.slack.existingSecret }}
      key: {{ .Values.slack.existingSecretKey }}
{{- end }}
{{- if .Values.subjects.existingSecret }}
- name: FULLBACK_SUBJECT_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.subjects.existingSecret }}
      key: {{ .Values.subjects.existingSecretKey }}
{{- end }}
{{- end }}

{{- define "fullback.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fullback.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fullback.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  timeoutSeconds: 3
{{- end }}

{{- define "fullback.migrate" -}}
- name: migrate
  image: {{ include "fullback.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [migrate]
  env:
    {{- include "fullback.databaseEnv" . | nindent 4 }}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  resources:
    {{- toYaml .Values.migrations.resources | nindent 4 }}
  volumeMounts:
    {{- include "fullback.mounts" . | nindent 4 }}
{{- end }}

{{/* Takes (dict "root" $ "component" "api"). */}}
{{- define "fullback.scheduling" -}}
{{- $values := .root.Values }}
{{- $labels := include "fullback.selectorLabels" .root | fromYaml }}
{{- $own := dict "labelSelector" (dict "matchLabels" (set $labels "app.kubernetes.io/component" .component)) }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  {{- list (merge (deepCopy .) $own) | toYaml | nindent 2 }}
  {{- end }}
{{- end }}
{{- range $key, $value := pick $values "nodeSelector" "tolerations" "affinity" }}
{{- with $value }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}
