{{- define "dragoman.labels" -}}
app.kubernetes.io/name: dragoman
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "dragoman.selector" -}}
app.kubernetes.io/name: dragoman
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "dragoman.name" -}}
{{- if contains "dragoman" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-dragoman" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dragoman.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{- /* What several pods must have in common; one of them alone makes its own. */ -}}
{{- define "dragoman.shared" -}}
{{- $pods := add (ternary .Values.gateway.replicas 0 .Values.gateway.enabled) (ternary .Values.sidecar.replicas 0 .Values.sidecar.enabled) -}}
{{- if gt (int $pods) 1 -}}
{{- if not .Values.database.existingSecret -}}{{- fail "database.existingSecret: more than one pod needs PostgreSQL for vault and log" -}}{{- end -}}
{{- if not .Values.keys.existingSecret -}}{{- fail "keys.existingSecret: more than one pod needs the same keys" -}}{{- end -}}
{{- if not .Values.ca.existingSecret -}}{{- fail "ca.existingSecret: more than one pod needs the same authority" -}}{{- end -}}
{{- end -}}
{{- if and .Values.sidecar.enabled (not .Values.ca.existingSecret) -}}{{- fail "ca.existingSecret: the app beside a sidecar gets the certificate from it" -}}{{- end -}}
{{- if and .Values.sidecar.enabled (not .Values.sidecar.containers) -}}{{- fail "sidecar.containers: name the app's containers" -}}{{- end -}}
{{- end -}}

{{- define "dragoman.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Settings, keys and authority into the home, with the modes that dragoman insists on. The home is a folder of
      its own in the volume, whose root belongs to the kubelet. */ -}}
{{- define "dragoman.prepare" -}}
- name: prepare
  image: {{ include "dragoman.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [/bin/sh, -ec]
  args:
    - |
      umask 077
      mkdir -p "$DRAGOMAN_HOME"
      install -m 0600 /etc/dragoman/config.toml "$DRAGOMAN_HOME/"
      for folder in keys ca; do
        if [ -d /run/dragoman/$folder ]; then
          mkdir -p "$DRAGOMAN_HOME/$folder"
          install -m 0600 /run/dragoman/$folder/* "$DRAGOMAN_HOME/$folder/"
        fi
      done
  env:
    - {name: DRAGOMAN_HOME, value: /var/lib/dragoman/home}
  securityContext: {{- include "dragoman.security" . | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 16Mi}
    limits: {memory: 64Mi}
  volumeMounts:
    - {name: home, mountPath: /var/lib/dragoman}
    - {name: config, mountPath: /etc/dragoman, readOnly: true}
    {{- if .Values.keys.existingSecret }}
    - {name: keys, mountPath: /run/dragoman/keys, readOnly: true}
    {{- end }}
    {{- if .Values.ca.existingSecret }}
    - {name: ca, mountPath: /run/dragoman/ca, readOnly: true}
    {{- end }}
{{- end -}}

{{- define "dragoman.environment" -}}
- {name: DRAGOMAN_HOME, value: /var/lib/dragoman/home}
# The name in the log: a StatefulSet keeps it, so that a pod that comes back closes what it left open.
- name: DRAGOMAN_NODE
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- if .Values.database.existingSecret }}
- name: DRAGOMAN_DATABASE
  valueFrom: {secretKeyRef: {name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.key }}}}
- name: DRAGOMAN_AUDIT_DATABASE
  valueFrom: {secretKeyRef: {name: {{ .Values.database.existingSecret }}, key: {{ .Values.database.key }}}}
{{- end }}
{{- end -}}

{{- define "dragoman.mounts" -}}
- {name: home, mountPath: /var/lib/dragoman}
- {name: config, mountPath: /etc/dragoman, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "dragoman.volumes" -}}
- name: config
  configMap: {name: {{ include "dragoman.name" . }}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- if .Values.keys.existingSecret }}
- name: keys
  secret: {secretName: {{ .Values.keys.existingSecret }}, defaultMode: 0440}
{{- end }}
{{- if .Values.ca.existingSecret }}
- name: ca
  secret:
    secretName: {{ .Values.ca.existingSecret }}
    defaultMode: 0440
    items: [{key: mitmproxy-ca.pem, path: mitmproxy-ca.pem}]
{{- end }}
{{- end -}}

{{- /* Ready is said only when models are loaded and the log takes records; drained within the time for ending. */ -}}
{{- define "dragoman.probes" -}}
startupProbe:
  httpGet: {path: /-/readyz, port: metrics}
  periodSeconds: 2
  failureThreshold: 90
readinessProbe:
  httpGet: {path: /-/readyz, port: metrics}
  periodSeconds: 5
livenessProbe:
  httpGet: {path: /-/healthz, port: metrics}
  periodSeconds: 10
  failureThreshold: 6
{{- end -}}
