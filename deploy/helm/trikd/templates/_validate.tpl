{{/* Fails with one sentence for each mistake. */}}
{{- define "trikd.validate" -}}
{{- $mistakes := splitList "\n" (include "trikd.mistakes" .) | compact -}}
{{- if $mistakes -}}
{{- fail (printf "\n- %s" (join "\n- " $mistakes)) -}}
{{- end -}}
{{- end -}}

{{- define "trikd.mistakes" -}}
{{- include "trikd.misplaced" . }}
{{ include "trikd.tlsMistakes" . }}
{{ include "trikd.storeMistakes" . }}
{{ include "trikd.accessMistakes" . }}
{{ include "trikd.runsMistakes" . }}
{{ include "trikd.servingMistakes" . }}
{{- end -}}

{{/* Names that other charts have, and where the value is here. */}}
{{- define "trikd.misplaced" -}}
{{- $moved := dict
  "affinity" "orchestrator.affinity and classes.<class>.affinity"
  "nameOverride" "fullnameOverride"
  "nodeSelector" "orchestrator.nodeSelector and classes.<class>.nodeSelector"
  "replicaCount" "orchestrator.replicas"
  "resources" "orchestrator.resources and classes.<class>.<role>.resources"
  "service" "orchestrator.service"
  "serviceMonitor" "monitoring.serviceMonitor"
  "tolerations" "orchestrator.tolerations and classes.<class>.tolerations"
-}}
{{- range $name, $new := $moved }}
{{- if hasKey $.Values $name }}
{{ $name }} is not a value of this chart: set {{ $new }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "trikd.tlsMistakes" -}}
{{- $tls := .Values.tls -}}
{{- $names := values $tls.existingSecrets | compact -}}
{{- $chosen := list (gt (len $names) 0) $tls.certManager.enabled $tls.plaintext -}}
{{- $count := 0 -}}
{{- range $chosen }}{{ if . }}{{ $count = add1 $count }}{{ end }}{{ end -}}
{{- if ne (int $count) 1 }}
set exactly one of tls.existingSecrets, tls.certManager.enabled and tls.plaintext: {{ ternary "none is set" "several are set" (eq (int $count) 0) }}
{{- end }}
{{- if and $names (lt (len $names) 4) }}
tls.existingSecrets needs the Secret of every service: {{ range $service, $name := $tls.existingSecrets }}{{ if not $name }}{{ $service }} {{ end }}{{ end }}missing
{{- end }}
{{- if and $tls.certManager.enabled (not $tls.certManager.issuerRef.name) }}
tls.certManager.issuerRef.name is missing: the ClusterIssuer that signs the certificates
{{- end }}
{{- if and .Values.gateway.backendCaConfigMap $tls.plaintext }}
gateway.backendCaConfigMap is of no use with tls.plaintext
{{- end }}
{{- end -}}

{{- define "trikd.storeMistakes" -}}
{{- $store := .Values.store -}}
{{- if and $store.endpoint .Values.minio.enabled }}
set one of store.endpoint and minio.enabled, not both
{{- end }}
{{- if not (or $store.endpoint .Values.minio.enabled) }}
store.endpoint is missing: the URL of an S3 server, or set minio.enabled for a trial
{{- end }}
{{- if and $store.endpoint (lt (len (values $store.existingSecrets | compact)) 3) }}
store.existingSecrets needs the Secret of every role: {{ range $role, $name := $store.existingSecrets }}{{ if not $name }}{{ $role }} {{ end }}{{ end }}missing
{{- end }}
{{- if and .Values.minio.enabled (lt (len .Values.minio.password) 8) }}
minio.password is missing: 8 characters or more
{{- end }}
{{- end -}}

{{- define "trikd.accessMistakes" -}}
{{- $dashboard := .Values.dashboard -}}
{{- if and $dashboard.enabled $dashboard.exposed (not .Values.oidc.issuers) (not $dashboard.anonymous) }}
dashboard.exposed without oidc.issuers lets everybody who reaches it steer all runs: set oidc.issuers, or dashboard.anonymous
{{- end }}
{{- if and .Values.ingress.enabled .Values.ingress.dashboard.host (not (and $dashboard.enabled $dashboard.exposed)) }}
ingress.dashboard needs dashboard.enabled and dashboard.exposed
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.dashboard.host) (not .Values.ingress.grpc.host) }}
ingress.enabled needs ingress.grpc.host or ingress.dashboard.host
{{- end }}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) }}
gateway.parentRefs is missing: the Gateway that the route belongs to
{{- end }}
{{- end -}}

{{- define "trikd.runsMistakes" -}}
{{- if contains "." .Release.Name }}
the name of the release must not have a dot: it is the value of a label
{{- end }}
{{- if eq (include "trikd.runsNamespace" .) .Release.Namespace }}
runs.namespace must not be the namespace of the release: who creates JobSets in a namespace can use its Secrets
{{- end }}
{{- if not .Values.classes }}
classes is empty: runs need a class
{{- end }}
{{- if and .Values.runs.class (not (hasKey .Values.classes .Values.runs.class)) }}
runs.class is {{ .Values.runs.class }}, and the classes are {{ keys .Values.classes | sortAlpha | join ", " }}
{{- end }}
{{- range $name, $class := .Values.classes }}
{{- if and $class.topology (eq (len $class.topology) 2) }}
classes.{{ $name }}.topology has one of required and preferred, not both
{{- end }}
{{- end }}
{{- if and .Values.kueue.createQueues (not .Values.kueue.enabled) }}
kueue.createQueues needs kueue.enabled
{{- end }}
{{- if .Values.kueue.createQueues }}
{{- range .Values.kueue.priorityClasses }}
{{- if not (hasKey . "value") }}
kueue.priorityClasses: {{ .name }} needs a value, which kueue.createQueues gives it
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.monitoring.serviceMonitor.enabled (not .Values.monitoring.serviceMonitor.selector) }}
monitoring.serviceMonitor.selector is missing: the labels of the Service of your collector
{{- end }}
{{- end -}}
