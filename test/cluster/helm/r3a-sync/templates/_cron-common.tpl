{{- define "kept" }}{{ if .Values.keep }}
  annotations:
    helm.sh/resource-policy: keep
{{- end }}{{ end }}
{{- define "podSpec" }}
restartPolicy: Never
serviceAccountName: {{ .Values.serviceAccount.name }}
{{- if .Values.waitDb.enabled }}
initContainers:
  - name: wait-db
    image: {{ .Values.waitDb.image }}
    command: [sh, -c, 'until pg_isready -d "$(echo "$DB_URL" | sed s/+psycopg2//)"; do sleep 2; done']
    envFrom: [{ secretRef: { name: {{ .Values.secretRefs.db }} } }]
{{- end }}
containers:
  - name: runner
    image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    command: [sh, -c, "python sync_ohlcv_job_v3.py && python health_check_pair_scanner.py --quick"]
    env:
    {{- range $name, $value := .Values.env }}
      - { name: {{ $name }}, value: {{ $value | quote }} }
    {{- end }}
    envFrom:
      - secretRef: { name: {{ .Values.secretRefs.db }} }
      - secretRef: { name: {{ .Values.secretRefs.binance }}, optional: true }
      - configMapRef: { name: {{ .Values.configMapRefs.sync }} }
    resources: {{ toJson .Values.resources }}
{{- end }}
