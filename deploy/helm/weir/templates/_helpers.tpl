{{- /* Names. Everything of one control plane carries its revision, so that two of them can run side by side. */}}
{{- define "weir.name" -}}
{{- if .Values.revision }}{{ printf "weir-%s" .Values.revision }}{{ else }}weir{{ end }}
{{- end }}

{{- /* Of what belongs to no namespace. */}}
{{- define "weir.clusterName" -}}
{{ include "weir.name" . }}-{{ .Release.Namespace }}
{{- end }}

{{- define "weir.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "weir.name" .) }}
{{- end }}

{{- /* The ConfigMap with the settings of the mesh: where Istio's users have theirs. */}}
{{- define "weir.meshConfig" -}}
{{- if .Values.revision }}{{ printf "istio-%s" .Values.revision }}{{ else }}istio{{ end }}
{{- end }}

{{- define "weir.selector" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/component: control-plane
weir.dev/revision: {{ .Values.revision | default "default" }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "weir.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end }}

{{- /* Restricted, as the Pod Security Standards have it. */}}
{{- define "weir.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* Not empty where there is a certificate for it: xDS is never served to other machines without TLS. */}}
{{- define "weir.servesXds" -}}
{{- if or .Values.xds.tls.secretName .Values.ca.enabled }}yes{{ end }}
{{- end }}

{{- /* The file of settings: those that follow from how the pod is built, and over them those of the values. */}}
{{- define "weir.settings" -}}
{{- $own := dict "admin" (printf "%s:15014" .Values.listen) "logFormat" "json" }}
{{- $_ := set $own "kubernetes" true }}
{{- $_ := set $own "kubernetesStatusLease" (printf "%s/%s-status" .Release.Namespace (include "weir.name" .)) }}
{{- $_ := set $own "kubernetesMeshConfig" (printf "%s/%s" .Release.Namespace (include "weir.meshConfig" .)) }}
{{- if .Values.remoteClusters.enabled }}
{{- $_ := set $own "kubernetesRemoteSecrets" .Release.Namespace }}
{{- end }}
{{- if .Values.ca.enabled }}
{{- $_ := set $own "caSecret" (printf "%s/%s-ca" .Release.Namespace (include "weir.name" .)) }}
{{- end }}
{{- if include "weir.servesXds" . }}
{{- $_ := set $own "xdsTls" (printf "%s:15012" .Values.listen) }}
{{- end }}
{{- if .Values.xds.tls.secretName }}
{{- $_ := set $own "xdsTlsCert" "/etc/weir/xds-tls/tls.crt" }}
{{- $_ := set $own "xdsTlsKey" "/etc/weir/xds-tls/tls.key" }}
{{- $_ := set $own "xdsTlsClientCa" "/etc/weir/xds-tls/ca.crt" }}
{{- else if .Values.ca.enabled }}
{{- $service := printf "%s.%s.svc" (include "weir.name" .) .Release.Namespace }}
{{- $full := printf "%s.%s" $service (.Values.settings.domain | default "cluster.local") }}
{{- $_ := set $own "xdsTlsNames" (concat (list $service $full) .Values.xds.tls.names) }}
{{- end }}
{{- if .Values.webhook.enabled }}
{{- $_ := set $own "webhook" (printf "%s:15017" .Values.listen) }}
{{- $_ := set $own "webhookCert" "/etc/weir/webhook-tls/tls.crt" }}
{{- $_ := set $own "webhookKey" "/etc/weir/webhook-tls/tls.key" }}
{{- $_ := set $own "webhookCa" "/etc/weir/webhook-tls/ca.crt" }}
{{- $_ := set $own "webhookConfiguration" (include "weir.clusterName" .) }}
{{- end }}
{{- if .Values.injection.enabled }}
{{- $_ := set $own "injectImage" (include "weir.image" .) }}
{{- $_ := set $own "injectXds" (printf "%s.%s.svc:15012" (include "weir.name" .) .Release.Namespace) }}
{{- $_ := set $own "injectNever" .Release.Namespace }}
{{- end }}
{{- toYaml (mergeOverwrite $own .Values.settings) }}
{{- end }}
