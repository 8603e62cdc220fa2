{{/* Security context of a pod: what the restricted Pod Security Standard demands. */}}
{{- define "trikd.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
# The owner of a large volume of data is looked at once, not file by file.
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "trikd.containerSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Probes. Their names differ: a pod that drains is not ready, and is not to be restarted either. */}}
{{- define "trikd.probes" -}}
startupProbe:
  grpc: { port: 50052, service: startup }
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 120
readinessProbe:
  grpc: { port: 50052, service: readiness }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  grpc: { port: 50052, service: liveness }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end -}}

{{/* Environment of a service. Takes the root. */}}
{{- define "trikd.env" -}}
- { name: TRIKD_CONFIG, value: /etc/trikd/config/config.yaml }
{{- if .Values.store.caConfigMap }}
- { name: NODE_EXTRA_CA_CERTS, value: /etc/trikd/store-ca/ca.crt }
{{- end }}
{{- with .Values.telemetry.endpoint }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: OTEL_RESOURCE_ATTRIBUTES
  value: service.instance.id=$(POD_NAME),k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)
- { name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }} }
- { name: OTEL_EXPORTER_OTLP_PROTOCOL, value: {{ $.Values.telemetry.protocol }} }
{{- end }}
{{- with .Values.telemetry.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Mounts of every service. Takes the root. */}}
{{- define "trikd.mounts" -}}
- { name: config, mountPath: /etc/trikd/config, readOnly: true }
- { name: store, mountPath: /etc/trikd/store, readOnly: true }
{{- if not .Values.tls.plaintext }}
- { name: tls, mountPath: /etc/trikd/tls, readOnly: true }
{{- end }}
{{- if .Values.store.caConfigMap }}
- { name: store-ca, mountPath: /etc/trikd/store-ca, readOnly: true }
{{- end }}
- { name: tmp, mountPath: /tmp }
- { name: lib, mountPath: /var/lib/trikd }
{{- end -}}

{{/*
Volumes of every service, beside that of its configuration. Takes a dict of `root`, `service`, `role` in the store, `scratch`,
and perhaps `storeSecret`, which replaces that of the role.
Secrets are for the group of the service, because files belong to root: 288 is the mode 0440, which YAML 1.2 would read as decimal.
*/}}
{{- define "trikd.volumes" -}}
- name: store
  secret: { secretName: {{ default (include "trikd.storeSecret" .) .storeSecret }}, defaultMode: 288 }
{{- if not .root.Values.tls.plaintext }}
- name: tls
  secret: { secretName: {{ include "trikd.tlsSecret" . }}, defaultMode: 288 }
{{- end }}
{{- with .root.Values.store.caConfigMap }}
- name: store-ca
  configMap: { name: {{ . }} }
{{- end }}
- name: tmp
  emptyDir: { sizeLimit: {{ .scratch }} }
- name: lib
  emptyDir: { sizeLimit: {{ .scratch }} }
{{- end -}}

{{- define "trikd.pullSecrets" -}}
{{- range .Values.imagePullSecrets }}
- name: {{ . }}
{{- end }}
{{- end -}}

{{/* Seconds that an anchor answers after it was asked to end: longer than the orchestrator gives a run to rest. */}}
{{- define "trikd.anchorLinger" -}}
{{- $times := default dict .Values.orchestrator.config.times -}}
{{- add 5 (ceil (default 5 $times.drain)) -}}
{{- end -}}

{{/* Seconds from SIGTERM to SIGKILL: for a run to rest, and for a large model to end its step and to store it. */}}
{{- define "trikd.grace" -}}
{{- max 40 (add 25 (include "trikd.anchorLinger" . | int)) -}}
{{- end -}}
