{{/* image is the full name of an image: dict "chart" $ "name" "worker". */}}
{{- define "recording-operator.image" -}}
{{- $image := index .chart.Values.images .name -}}
{{- with .chart.Values.images.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .chart.Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* labels of every object. They change with an upgrade, so that no selector has them. */}}
{{- define "recording-operator.labels" -}}
app.kubernetes.io/name: recording-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{/* selector of the pods of a process: dict "component" "receiver". */}}
{{- define "recording-operator.selector" -}}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/name: recording-operator
{{- end -}}

{{/* args are the flags that values add to those of a process: dict "chart" $ "process" "receiver". */}}
{{- define "recording-operator.args" -}}
{{- with .chart.Values.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- range (index .chart.Values .process).extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* pod is what the pods of both processes have in common. */}}
{{- define "recording-operator.pod" -}}
serviceAccountName: {{ .account }}
{{- with .chart.Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "recording-operator.selector" . | nindent 6 }}
# Longer than a process takes to end in an orderly way.
terminationGracePeriodSeconds: 40
{{- end -}}

{{/* probes and rights of the container of both processes. */}}
{{- define "recording-operator.container" -}}
livenessProbe:
  httpGet: {path: /healthz, port: health}
  initialDelaySeconds: 15
  periodSeconds: 20
readinessProbe:
  httpGet: {path: /readyz, port: health}
  periodSeconds: 3
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}
