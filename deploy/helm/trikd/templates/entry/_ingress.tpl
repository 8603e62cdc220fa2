{{/* An Ingress of a port of the orchestrator's Service. Takes a dict of `root`, `name` of the port, and `ingress`, its values. */}}
{{- define "trikd.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "trikd.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "trikd.labels" .root | nindent 4 }}
  {{- with .ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .root.Values.ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with .ingress.tlsSecret }}
  tls:
    - { hosts: [{{ $.ingress.host }}], secretName: {{ . }} }
  {{- end }}
  rules:
    - host: {{ .ingress.host }}
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: { service: { name: {{ include "trikd.fullname" .root }}-orchestrator, port: { name: {{ .name }} } } }
{{- end -}}
