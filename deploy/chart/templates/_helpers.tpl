{{- define "lapwing.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* With -controller behind it, it is the name of a Service: 63 letters at most, and no digit in front. */}}
{{- define "lapwing.fullname" -}}
{{- $name := printf "%s-%s" .Release.Name (include "lapwing.name" .) -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if contains (include "lapwing.name" .) .Release.Name -}}
{{- $name = .Release.Name -}}
{{- end -}}
{{- regexReplaceAll "^([0-9])" $name "r${1}" | trunc 52 | trimSuffix "-" -}}
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
{{- if .Values.controller.enabled -}}
{{- $tls := "/run/secrets/lapwing-tls" -}}
{{- $client := dict "identity" "spiffe://lapwing.internal/controller" "verbs" (list "read") "namespaces" (list "*") -}}
{{- $_ := set $known "listen" (dict "address" (printf "%s:%d" .Values.controller.agentAddress (int .Values.controller.port)) "certificate" (printf "%s/tls.crt" $tls) "key" (printf "%s/tls.key" $tls) "clientAuthority" (printf "%s/ca.crt" $tls) "clients" (list $client)) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $known (deepCopy .Values.config)) -}}
{{- end -}}

{{- define "lapwing.controller.selector" -}}
app.kubernetes.io/name: {{ include "lapwing.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "lapwing.controller.labels" -}}
{{ include "lapwing.controller.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lapwing
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lapwing.controller.serviceAccount" -}}
{{- if .Values.controller.serviceAccount.name -}}
{{- .Values.controller.serviceAccount.name -}}
{{- else if .Values.controller.serviceAccount.create -}}
{{- printf "%s-controller" (include "lapwing.fullname" .) -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{/* The user that the controller is to the API. */}}
{{- define "lapwing.controller.user" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "lapwing.controller.serviceAccount" .) -}}
{{- end -}}

{{- define "lapwing.agent.secret" -}}
{{- default (printf "%s-agent-tls" (include "lapwing.fullname" .)) .Values.controller.certificates.agentSecret -}}
{{- end -}}

{{- define "lapwing.controller.secret" -}}
{{- default (printf "%s-controller-tls" (include "lapwing.fullname" .)) .Values.controller.certificates.controllerSecret -}}
{{- end -}}

{{/* What is given, over what the chart knows. */}}
{{- define "lapwing.controller.config" -}}
{{- $tls := "/run/secrets/lapwing-tls" -}}
{{- $listen := dict "address" (printf "%s:%d" .Values.controller.agentAddress (int .Values.controller.port)) "certificate" (printf "%s/tls.crt" $tls) "key" (printf "%s/tls.key" $tls) "clientAuthority" (printf "%s/ca.crt" $tls) "clients" .Values.controller.clients -}}
{{- $selector := printf "app.kubernetes.io/name=%s,app.kubernetes.io/instance=%s,app.kubernetes.io/component=agent" (include "lapwing.name" .) .Release.Name -}}
{{- $agents := dict "selector" $selector "port" (int .Values.controller.port) "certificate" (printf "%s/tls.crt" $tls) "key" (printf "%s/tls.key" $tls) "authority" (printf "%s/ca.crt" $tls) -}}
{{- $metrics := or .Values.http.metrics .Values.podMonitor.enabled | default false -}}
{{- $http := dict "address" (printf ":%d" (int .Values.http.port)) "metrics" $metrics -}}
{{- $lease := dict "name" (printf "%s-controller" (include "lapwing.fullname" .)) -}}
{{- $modes := dict "enabled" .Values.namespaceModes "unlabelled" (get .Values.config "mode" | default "learn") -}}
{{- $known := dict "version" 1 "cluster" .Values.clusterName "listen" $listen "agents" $agents "http" $http "lease" $lease "modes" $modes "learned" (dict "promote" .Values.controller.promote) -}}
{{- toYaml (mergeOverwrite $known (deepCopy .Values.controller.config)) -}}
{{- end -}}

{{/* An annotation of an object, which may have none. */}}
{{- define "lapwing.policy.annotation" -}}
{{- $of := index . 0 -}}
{{- $key := index . 1 -}}
has({{ $of }}.metadata.annotations) && '{{ $key }}' in {{ $of }}.metadata.annotations ? {{ $of }}.metadata.annotations['{{ $key }}'] : ''
{{- end -}}

{{/* What whoever changes an object wrote beside it, for the record. What is deleted can say nothing. */}}
{{- define "lapwing.policy.said" -}}
request.operation == 'DELETE' ? '' : {{ include "lapwing.policy.annotation" (list "object" .) }}
{{- end -}}

{{/* What stood there before. */}}
{{- define "lapwing.policy.saidBefore" -}}
request.operation == 'CREATE' ? '' : {{ include "lapwing.policy.annotation" (list "oldObject" .) }}
{{- end -}}

{{/* Whether the record becomes another: else anybody's name could be written beside what is done. */}}
{{- define "lapwing.policy.recordChanges" -}}
({{ include "lapwing.policy.said" "lapwing.dev/actor" }}) != ({{ include "lapwing.policy.saidBefore" "lapwing.dev/actor" }}) ||
({{ include "lapwing.policy.said" "lapwing.dev/reason" }}) != ({{ include "lapwing.policy.saidBefore" "lapwing.dev/reason" }})
{{- end -}}

{{/* Whether an object gets an owner: it goes with that, and one that does not exist has it deleted. */}}
{{- define "lapwing.policy.owned" -}}
request.operation != 'DELETE' && has(object.metadata.ownerReferences) &&
object.metadata.ownerReferences.exists(owner, request.operation == 'CREATE' ||
!has(oldObject.metadata.ownerReferences) || !(owner in oldObject.metadata.ownerReferences))
{{- end -}}

{{/* A namespace that goes takes all that is in it along: the cluster's own controllers delete that. */}}
{{- define "lapwing.policy.byCluster" -}}
request.operation == 'DELETE' && request.userInfo.username in
['system:serviceaccount:kube-system:namespace-controller',
'system:serviceaccount:kube-system:generic-garbage-collector', 'system:kube-controller-manager']
{{- end -}}

{{- define "lapwing.policy.record" -}}
- name: actor
  expression: >-
    {{ include "lapwing.policy.said" "lapwing.dev/actor" }}
- name: actorBefore
  expression: >-
    {{ include "lapwing.policy.saidBefore" "lapwing.dev/actor" }}
- name: reason
  expression: >-
    {{ include "lapwing.policy.said" "lapwing.dev/reason" }}
- name: reasonBefore
  expression: >-
    {{ include "lapwing.policy.saidBefore" "lapwing.dev/reason" }}
{{- end -}}

{{/* What is recorded is true, where this request says it; and with a true argument, it is there, and not left from
the change before. */}}
{{- define "lapwing.policy.validations" -}}
- expression: >-
    {{ if . }}(request.operation == 'DELETE' || !variables.decides) && {{ end }}variables.actor == '' ||
    variables.actor == request.userInfo.username
    {{- if not . }} ||
    variables.actor == variables.actorBefore && variables.reason == variables.reasonBefore
    {{- end }}
  messageExpression: >-
    'the annotation lapwing.dev/actor must be ' + request.userInfo.username + ', who changes this'
  reason: Forbidden
{{- if . }}
- expression: >-
    request.operation == 'DELETE' || !variables.decides || variables.reason != '' &&
    (variables.reason != variables.reasonBefore || variables.actor != variables.actorBefore)
  message: >-
    the annotation lapwing.dev/reason must say why, in the same request: what stood there is about the change before
  reason: Forbidden
{{- end }}
{{- end -}}

{{- define "lapwing.certificates.labels" -}}
app.kubernetes.io/name: {{ include "lapwing.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: certificates
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lapwing
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The pod that makes and renews certificates. */}}
{{- define "lapwing.certificates.pod" -}}
metadata:
  labels:
    {{- include "lapwing.certificates.labels" . | nindent 4 }}
spec:
  serviceAccountName: {{ include "lapwing.fullname" . }}-certificates
  automountServiceAccountToken: true
  restartPolicy: OnFailure
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  nodeSelector:
    kubernetes.io/os: linux
    {{- with .Values.controller.nodeSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.controller.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: certificates
      image: {{ include "lapwing.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - certificates
        - --apply
        - --namespace={{ .Release.Namespace }}
        - --name={{ include "lapwing.fullname" . }}
        - --days={{ int .Values.controller.certificates.job.days }}
        - --server-name={{ dig "agents" "serverName" "agent.lapwing.internal" .Values.controller.config }}
        - --agent-secret={{ include "lapwing.agent.secret" . }}
        - --controller-secret={{ include "lapwing.controller.secret" . }}
      securityContext:
        privileged: false
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml .Values.controller.certificates.job.resources | nindent 8 }}
{{- end -}}
