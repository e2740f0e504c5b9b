{{/* image is the full name of an image: dict "chart" $ "name" "worker". */}}
{{- define "image" -}}
{{- $image := index .chart.Values.images .name -}}
{{- with .chart.Values.images.registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .chart.Chart.AppVersion $image.tag }}{{ end -}}
{{- end -}}

{{/* labels of a process: dict "component" "receiver". */}}
{{- define "labels" -}}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/name: recording-operator
{{- end -}}

{{/* args are the flags that values add to those of a process: dict "chart" $ "process" "receiver". */}}
{{- define "args" -}}
{{- with .chart.Values.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- range (index .chart.Values .process).extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* pod is what the pods of both processes have in common. */}}
{{- define "pod" -}}
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
      {{- include "labels" . | nindent 6 }}
# Longer than a process takes to end in an orderly way.
terminationGracePeriodSeconds: 40
{{- end -}}

{{/* probes and rights of the container of both processes. */}}
{{- define "container" -}}
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
