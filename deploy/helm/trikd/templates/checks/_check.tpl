{{/* How a test calls the orchestrator: with the token of a person, or with the orchestrator's own certificate. */}}
{{- define "trikd.checkArgs" -}}
{{- $scheme := ternary "grpc" "https" .Values.tls.plaintext -}}
- --server
- {{ $scheme }}://{{ include "trikd.orchestratorHost" . }}:{{ .Values.orchestrator.service.grpcPort }}
{{- if not .Values.tls.plaintext }}
- --ca
- /etc/trikd/tls/ca.crt
{{- end }}
{{- if .Values.tests.tokenSecret }}
- --token-file
- /etc/trikd/token/token
{{- else if not .Values.tls.plaintext }}
- --cert
- /etc/trikd/tls/tls.crt
- --key
- /etc/trikd/tls/tls.key
{{- end }}
{{- end -}}

{{/* A pod that `helm test` starts. Takes a dict of `root`, `name` and `args` of trikd. */}}
{{- define "trikd.check" -}}
{{- $root := .root -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "trikd.fullname" $root }}-test-{{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "trikd.labels" (dict "root" $root "component" "test") | nindent 4 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  activeDeadlineSeconds: {{ $root.Values.tests.timeout }}
  {{- with include "trikd.pullSecrets" $root }}
  imagePullSecrets: {{- . | trim | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "trikd.podSecurity" . | nindent 4 }}
  containers:
    - name: trikd
      image: {{ include "trikd.serviceImage" (dict "root" $root) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        {{- .args | nindent 8 }}
        {{- include "trikd.checkArgs" $root | nindent 8 }}
      {{- if $root.Values.store.caConfigMap }}
      env:
        - { name: NODE_EXTRA_CA_CERTS, value: /etc/trikd/store-ca/ca.crt }
      {{- end }}
      {{- with $root.Values.tests.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "trikd.containerSecurity" . | nindent 8 }}
      workingDir: /var/lib/trikd
      volumeMounts:
        {{- include "trikd.mounts" $root | nindent 8 }}
        {{- if $root.Values.tests.tokenSecret }}
        - { name: token, mountPath: /etc/trikd/token, readOnly: true }
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ include "trikd.fullname" $root }}-orchestrator }
    {{- $common := dict "root" $root "service" "orchestrator" "role" "orchestrator" "scratch" "1Gi" }}
    {{- include "trikd.volumes" $common | nindent 4 }}
    {{- with $root.Values.tests.tokenSecret }}
    - name: token
      secret: { secretName: {{ . }}, defaultMode: 288 }
    {{- end }}
{{- end -}}
