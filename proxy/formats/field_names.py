"""Names of header fields: which say nothing about anybody, and how any other is read and written back.

A client makes up names of fields as freely as their values, so a name that no standard, provider or tracer has given is
text. No blank can stand in a name (RFC 9110 section 5.1): dashes and underscores are read as such, but between digits.
"""

import re
from urllib.parse import quote

# IANA's HTTP field name registry, as far as requests have them; what browsers, balancers, tracers and SDKs add.
PLAIN = frozenset(
    """a-im accept accept-charset accept-datetime accept-encoding accept-language accept-patch accept-ranges
    access-control-request-headers access-control-request-method age allow alt-svc alt-used authorization baggage b3
    cache-control cdn-loop client-cert client-cert-chain connection content-digest content-disposition content-encoding
    content-language content-length content-location content-md5 content-range content-type cookie date depth digest
    dnt dpop early-data etag expect expires forwarded from host http-referer http2-settings idempotency-key if if-match
    if-modified-since if-none-match if-range if-unmodified-since keep-alive last-event-id last-modified link location
    max-forwards mime-version origin origin-agent-cluster pragma prefer priority proxy-authorization proxy-connection
    range referer repr-digest save-data signature signature-input te trailer transfer-encoding traceparent tracestate
    upgrade upgrade-insecure-requests user-agent vary via viewport-width want-content-digest want-repr-digest warning
    width
    api-key apikey ocp-apim-subscription-key x-api-key x-api-version x-app-name x-auth-token x-cache x-client-id
    x-client-ip x-client-name x-client-version x-correlation-id x-csrf-token x-device-id x-environment
    x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix x-forwarded-proto
    x-http-method-override x-original-forwarded-for x-original-host x-original-url x-ratelimit-limit x-real-ip
    x-request-id x-request-start x-requested-with x-scheme x-server-timeout x-session-id x-tenant-id x-title x-user-id
    x-version x-xsrf-token true-client-ip client-ip fastly-client-ip cf-connecting-ip cf-ew-via cf-ipcountry cf-ray
    cf-visitor cf-worker x-vercel-id fly-client-ip
    x-b3-flags x-b3-parentspanid x-b3-sampled x-b3-spanid x-b3-traceid x-trace-id x-span-id x-cloud-trace-context
    x-amzn-trace-id x-datadog-origin x-datadog-parent-id x-datadog-sampling-priority x-datadog-tags x-datadog-trace-id
    x-envoy-attempt-count x-envoy-decorator-operation x-envoy-expected-rq-timeout-ms x-envoy-external-address
    x-envoy-internal x-envoy-original-path x-envoy-peer-metadata x-envoy-peer-metadata-id
    x-envoy-upstream-rq-timeout-ms sentry-trace newrelic uber-trace-id elastic-apm-traceparent grpc-timeout
    openai-beta openai-organization openai-project openai-safety-identifier anthropic-beta anthropic-version
    anthropic-dangerous-direct-browser-access cohere-version x-goog-api-client x-goog-api-key
    x-goog-request-params x-goog-user-project x-goog-request-reason x-goog-upload-command
    x-goog-upload-content-length x-goog-upload-content-type x-goog-upload-file-name
    x-goog-upload-header-content-length x-goog-upload-header-content-type x-goog-upload-offset
    x-goog-upload-protocol x-amz-content-sha256 x-amz-date x-amz-security-token x-amz-target x-amz-user-agent
    x-amzn-bedrock-accept x-amzn-bedrock-guardrailidentifier x-amzn-bedrock-guardrailversion
    x-amzn-bedrock-performanceconfig-latency x-amzn-bedrock-trace amz-sdk-invocation-id amz-sdk-request
    x-ms-client-request-id x-ms-useragent x-ms-version mcp-session-id mcp-protocol-version mcp-method mcp-name
    x-stainless-arch x-stainless-async x-stainless-custom-poll-interval x-stainless-helper
    x-stainless-helper-method x-stainless-lang x-stainless-os x-stainless-package-version x-stainless-poll-helper
    x-stainless-raw-response x-stainless-read-timeout x-stainless-retry-count x-stainless-runtime
    x-stainless-runtime-version x-stainless-stream-helper x-stainless-timeout
    sec-ch-ua sec-ch-ua-arch sec-ch-ua-bitness sec-ch-ua-full-version sec-ch-ua-full-version-list sec-ch-ua-mobile
    sec-ch-ua-model sec-ch-ua-platform sec-ch-ua-platform-version sec-fetch-dest sec-fetch-mode sec-fetch-site
    sec-fetch-storage-access sec-fetch-user sec-gpc sec-purpose
    sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version""".split()  # noqa: SIM905
)
"""Names that everybody knows, in lower case."""
_JOINS = re.compile(r"[-_]+(?![0-9])|(?<![0-9_-])[-_]+|_|(?<=[a-z])(?=[A-Z])")
_MARKS = "!#$&'*+-.^_`|~"
"""Marks that a name may hold besides letters and digits (RFC 9110 section 5.6.2), less the percent sign."""


def words_of(name: str) -> str:
    """What a name says, for whoever looks for personal data in it."""
    return _JOINS.sub(" ", name).strip()


def as_name(text: str) -> str:
    """Any text as a name."""
    return quote(text, safe=_MARKS) or "_"
