"""`dragoman ca`: where the certificate is, in which form a runtime wants it, and the variables that make it trusted.

Reads the state folder and creates the authority if it is not there yet. The private key is never printed nor exported.
"""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from proxy.config import DEFAULT_MODES
from proxy.configured import default_home
from proxy.errors import ConfigError
from proxy.running.ca import CertificateAuthority, ensure_ca, export_ca

app = typer.Typer(no_args_is_help=True, help="The certificate authority that apps behind the HTTPS proxy trust.")

Home = Annotated[Path | None, typer.Option("--home", help="State folder; default: $DRAGOMAN_HOME or the data folder.")]

EXAMPLES: dict[str, tuple[str, ...]] = {
    "python": ("python -m venv .venv && .venv/bin/pip install openai", "python app.py   # requests, httpx, openai"),
    "node": ("NODE_USE_ENV_PROXY=1 node app.js   # Node 24+; undici's EnvHttpProxyAgent before",),
    "java": (
        "keytool -importcert -noprompt -cacerts -storepass changeit -alias dragoman -file {certificate}",
        "java -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} -jar app.jar",
    ),
    "go": ("go run .   # net/http reads SSL_CERT_FILE and HTTPS_PROXY",),
    "curl": ("curl https://api.openai.com/v1/models -H 'Authorization: Bearer …'",),
    "dotnet": ("dotnet run   # SSL_CERT_FILE on Linux",),
    "ruby": ("ruby app.rb   # OpenSSL reads SSL_CERT_FILE, Net::HTTP reads HTTPS_PROXY",),
    "debian": ("cp {certificate} /usr/local/share/ca-certificates/dragoman.crt && update-ca-certificates",),
    "container": ("docker run -v {certificate}:{certificate}:ro -v {bundle}:{bundle}:ro --env-file dragoman.env app",),
}


@app.command()
def path(home: Home = None) -> None:
    """Print where the certificate (PEM) lies.

    Example: curl --cacert "$(dragoman ca path)" …
    """
    sys.stdout.write(f"{_authority(home).certificate}\n")


@app.command()
def export(
    home: Home = None,
    form: Annotated[str, typer.Option("--format", help="pem, der, p12 or bundle.")] = "pem",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: standard output.")] = None,
) -> None:
    """Print or write the certificate; `bundle` also holds the public authorities.

    Example: dragoman ca export --format der --out dragoman.crt
    """
    try:
        content = export_ca(_directory(home), form)
    except ConfigError as error:
        raise _refused(error) from None
    if out is not None:
        out.write_bytes(content)
    elif sys.stdout.isatty() and form in {"der", "p12"}:
        raise _refused(ConfigError(f"{form} is binary; name a file with --out"))
    else:
        sys.stdout.buffer.write(content)


@app.command()
def env(
    home: Home = None,
    proxy: Annotated[str, typer.Option(help="URL of the HTTPS proxy; put user:credential@ in front of the host.")] = "",
    runtime: Annotated[str, typer.Option(help="Show only this runtime's example.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    dotenv: Annotated[
        bool, typer.Option("--dotenv", help="Print NAME=value lines, as an env file takes them.")
    ] = False,
) -> None:
    """Print the environment variables that make common runtimes use the proxy and trust it.

    Example: eval "$(dragoman ca env)"
    """
    if runtime and runtime not in EXAMPLES:
        raise _refused(ConfigError(f"there is no runtime {runtime!r}; known: {', '.join(EXAMPLES)}"))
    authority = _authority(home)
    url = proxy or f"http://{DEFAULT_MODES[0].partition('@')[2]}"
    values = variables(authority, url)
    if as_json:
        chosen = {name: _filled(lines, authority, url) for name, lines in EXAMPLES.items() if runtime in ("", name)}
        sys.stdout.write(json.dumps({"environment": values, "examples": chosen}, indent=2, ensure_ascii=False) + "\n")
        return
    if dotenv:
        sys.stdout.writelines(f"{name}={value}\n" for name, value in values.items())
        return
    sys.stdout.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    for name, lines in EXAMPLES.items():
        if runtime in ("", name):
            sys.stdout.write(f"# {name}\n")
            sys.stdout.writelines(f"#   {line}\n" for line in _filled(lines, authority, url))


def variables(authority: CertificateAuthority, proxy: str) -> dict[str, str]:
    """The variables, by name.

    Those that replace a runtime's trust store get the bundle, so that hosts which are not intercepted stay trusted;
    NODE_EXTRA_CA_CERTS and DENO_CERT add to it and get our certificate alone.
    """
    bundle, certificate = str(authority.bundle.absolute()), str(authority.certificate.absolute())
    replacing = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO")
    grpc = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle}
    adding = {"NODE_EXTRA_CA_CERTS": certificate, "DENO_CERT": certificate, "NODE_USE_ENV_PROXY": "1"}
    # Go, curl and Ruby read one spelling only, and not the same one.
    routes = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy)
    local = "localhost,127.0.0.1,::1"
    return dict.fromkeys(replacing, bundle) | grpc | adding | routes | {"NO_PROXY": local, "no_proxy": local}


def _filled(lines: tuple[str, ...], authority: CertificateAuthority, proxy: str) -> list[str]:
    from urllib.parse import urlsplit

    parts = urlsplit(proxy)
    facts = {
        "certificate": shlex.quote(str(authority.certificate.absolute())),
        "bundle": shlex.quote(str(authority.bundle.absolute())),
        "host": parts.hostname or "127.0.0.1",
        "port": str(parts.port or 8789),
    }
    return [line.format(**facts) for line in lines]


def _directory(home: Path | None) -> Path:
    return (home or default_home()) / "ca"


def _authority(home: Path | None) -> CertificateAuthority:
    try:
        return ensure_ca(_directory(home))
    except ConfigError as error:
        raise _refused(error) from None


def _refused(error: ConfigError) -> typer.Exit:
    typer.echo(error.message, err=True)
    return typer.Exit(2)
