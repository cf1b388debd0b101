{{- define "lapwing.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "lapwing.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 57 | trimSuffix "-" -}}
{{- else if contains (include "lapwing.name" .) .Release.Name -}}
{{- .Release.Name | trunc 57 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lapwing.name" .) | trunc 57 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lapwing.selector" -}}
app.kubernetes.io/name: {{ include "lapwing.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: agent
{{- end -}}

{{- define "lapwing.labels" -}}
{{ include "lapwing.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lapwing
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lapwing.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else if .Values.serviceAccount.create -}}
{{- printf "%s-agent" (include "lapwing.fullname" .) -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "lapwing.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What is given, over what the chart knows. */}}
{{- define "lapwing.config" -}}
{{- $metrics := or .Values.http.metrics .Values.podMonitor.enabled | default false -}}
{{- $http := dict "address" (printf ":%d" (int .Values.http.port)) "metrics" $metrics -}}
{{- $known := dict "version" 1 "cluster" .Values.clusterName "http" $http -}}
{{- if .Values.serviceAccount.automountToken -}}
{{- $profiles := dict -}}
{{- if .Values.clusterProfiles -}}
{{- $_ := set $profiles "kubernetes" "auto" -}}
{{- end -}}
{{- if .Values.namespaceModes -}}
{{- $_ := set $profiles "namespaces" "auto" -}}
{{- end -}}
{{- if $profiles -}}
{{- $_ := set $known "profiles" $profiles -}}
{{- end -}}
{{- end -}}
{{- if not .Values.serviceAccount.automountToken -}}
{{- $_ := set $known "identity" (dict "kubernetes" "off") -}}
{{- end -}}
{{- toYaml (mergeOverwrite $known (deepCopy .Values.config)) -}}
{{- end -}}
