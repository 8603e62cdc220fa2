{{/* Start of the names of all objects. */}}
{{- define "trikd.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Namespace of the JobSets. */}}
{{- define "trikd.runsNamespace" -}}
{{- default (printf "%s-runs" .Release.Namespace) .Values.runs.namespace -}}
{{- end -}}

{{/* What tells objects of this release apart, in selectors. The orchestrator sets the same instance on the pods of runs. */}}
{{- define "trikd.selector" -}}
app.kubernetes.io/name: trikd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of an object. Takes the root, or a dict of `root` and `component`. */}}
{{- define "trikd.labels" -}}
{{- $root := default . .root -}}
{{ include "trikd.selector" $root }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Reference of an image. Takes repository, tag and digest, and the default of the tag. */}}
{{- define "trikd.image" -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end -}}

{{/* The image of the services. Takes a dict of `root` and `image`, what a class has of its own. */}}
{{- define "trikd.serviceImage" -}}
{{- $common := .root.Values.image -}}
{{- $own := default dict .image -}}
{{- /* A tag of its own replaces a common digest. */ -}}
{{- $digest := ternary $own.digest $common.digest (or (hasKey $own "digest") (hasKey $own "tag")) -}}
{{- $tag := default .root.Chart.AppVersion (default $common.tag $own.tag) -}}
{{- include "trikd.image" (dict "repository" (default $common.repository $own.repository) "tag" $tag "digest" $digest) -}}
{{- end -}}

{{/* Address by which clients in the cluster call the orchestrator. */}}
{{- define "trikd.orchestratorHost" -}}
{{ include "trikd.fullname" . }}-orchestrator.{{ .Release.Namespace }}.svc
{{- end -}}

{{/* Name of the Secret with the certificate of a service. Takes a dict of `root` and `service`, such as anchor-server. */}}
{{- define "trikd.tlsSecret" -}}
{{- if .root.Values.tls.certManager.enabled -}}
{{ include "trikd.fullname" .root }}-{{ .service }}-tls
{{- else -}}
{{ index .root.Values.tls.existingSecrets (camelcase (replace "-" "_" .service) | untitle) }}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the credentials of a role in the store: orchestrator, trainer or anchor-server. */}}
{{- define "trikd.storeSecret" -}}
{{- if .root.Values.minio.enabled -}}
{{ include "trikd.fullname" .root }}-store-{{ .role }}
{{- else -}}
{{ index .root.Values.store.existingSecrets (camelcase (replace "-" "_" .role) | untitle) }}
{{- end -}}
{{- end -}}
