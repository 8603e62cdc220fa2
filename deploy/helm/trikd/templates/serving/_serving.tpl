{{/* Name of the objects of the servers of models, and the address by which clients in the cluster call them. */}}
{{- define "trikd.servingName" -}}
{{ include "trikd.fullname" . }}-serving
{{- end -}}

{{- define "trikd.servingHost" -}}
{{ include "trikd.servingName" . }}.{{ include "trikd.runsNamespace" . }}.svc
{{- end -}}

{{/* Labels that select their pods. */}}
{{- define "trikd.servingSelector" -}}
{{ include "trikd.selector" . }}
app.kubernetes.io/component: serving
{{- end -}}

{{/* Configuration of a server of models: an anchor-server that does nothing else. */}}
{{- define "trikd.servingConfig" -}}
{{- $own := include "trikd.ownServingConfig" . | fromYaml -}}
{{- mustMergeOverwrite (include "trikd.modelConfig" (dict "root" . "role" "serving") | fromYaml) $own | toYaml -}}
{{- end -}}

{{- define "trikd.ownServingConfig" -}}
{{- $serving := .Values.serving -}}
{{- if $serving.http.exposed }}
# The HTTP form of the protocol speaks plain text; with certificates nothing else does.
plaintext: anywhere
{{- end }}
telemetry: { everySteps: {{ .Values.telemetry.everySteps }} }
serving:
  {{- $own := dict "runs" $serving.runs "alone" true "listen" (printf "%s:50051" .Values.bindAddress) "http" "" -}}
  {{- if $serving.http.exposed }}
  {{- $name := include "trikd.servingName" . -}}
  {{- $hosts := list $name (printf "%s.%s" $name (include "trikd.runsNamespace" .)) (include "trikd.servingHost" .) -}}
  {{- $_ := set $own "http" (printf "%s:8080" .Values.bindAddress) -}}
  {{- $_ := set $own "hosts" (concat $hosts $serving.http.hosts | uniq) -}}
  {{- end }}
  {{- if .Values.oidc.issuers }}
  {{- $issuers := list -}}
  {{- range .Values.oidc.issuers }}
  {{- $issuers = append $issuers (include "trikd.issuer" (dict "issuer" . "ca" $.Values.oidc.caConfigMap) | fromYaml) -}}
  {{- end }}
  {{- $_ := set $own "oidc" $issuers -}}
  {{- end }}
  {{- mustMergeOverwrite $own (deepCopy $serving.config) | toYaml | nindent 2 }}
{{- end -}}

{{/* Name of the Secret with its credentials in the store. */}}
{{- define "trikd.servingStoreSecret" -}}
{{- default (include "trikd.storeSecret" (dict "root" . "role" "anchor-server")) .Values.serving.storeSecret -}}
{{- end -}}

{{- define "trikd.servingMistakes" -}}
{{- $serving := .Values.serving -}}
{{- if and $serving.enabled (not $serving.runs) }}
serving.runs is empty: the names of the runs whose models are served
{{- end }}
{{- if and $serving.enabled $serving.http.exposed (not .Values.oidc.issuers) (not $serving.http.anonymous) }}
serving.http.exposed without oidc.issuers lets everybody who reaches it ask the models: set oidc.issuers, or serving.http.anonymous
{{- end }}
{{- if and $serving.enabled .Values.store.endpoint (not $serving.storeSecret) }}
serving.storeSecret is missing: the Secret of a user with the rights of deploy/minio/serving.json, in the namespace of the runs
{{- end }}
{{- end -}}
