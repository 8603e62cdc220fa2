{{/* Certificate of a service by cert-manager. Takes a dict of `root`, `service`, `namespace` and `dnsNames`. */}}
{{- define "trikd.certificate" -}}
{{- $tls := .root.Values.tls -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ include "trikd.fullname" .root }}-{{ .service }}
  namespace: {{ .namespace }}
  labels:
    {{- include "trikd.labels" (dict "root" .root "component" .service) | nindent 4 }}
spec:
  secretName: {{ include "trikd.tlsSecret" . }}
  issuerRef:
    {{- toYaml $tls.certManager.issuerRef | nindent 4 }}
  duration: {{ $tls.certManager.duration }}
  renewBefore: {{ $tls.certManager.renewBefore }}
  # Services adopt a renewed certificate while they run.
  privateKey: { algorithm: ECDSA, size: 256, encoding: PKCS8, rotationPolicy: Always }
  usages: [digital signature, server auth, client auth]
  # Exactly one: it is the role.
  uris: ['spiffe://{{ $tls.trustDomain }}/ns/{{ .namespace }}/sa/{{ .service }}']
  {{- with .dnsNames }}
  dnsNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
