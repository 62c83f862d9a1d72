{{- define "apim.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end }}

{{- define "apim.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
capabilities: {drop: [ALL]}
{{- end }}

{{- define "apim.environment" -}}
- {name: APIM_PUBLIC_URL, value: {{ .Values.publicUrl | quote }}}
- {name: APIM_GATEWAY_URL, value: {{ .Values.gatewayUrl | quote }}}
- {name: APIM_GATEWAY_HTTP_URL, value: {{ .Values.gatewayHttpUrl | quote }}}
- {name: APIM_ALLOWED_HOSTS, value: {{ printf "%s-control" .Release.Name | quote }}}
- {name: APIM_SAMPLE, value: "false"}
{{- end }}
