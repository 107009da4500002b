"""The manifests in `deploy/` are valid for Kubernetes and consistent with each other and with the image."""

from __future__ import annotations

import asyncio
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.settings import Settings

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
KUBERNETES = "1.30"


def manifest(name: str) -> dict:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


RESOURCES = manifest("kustomization.yaml")["resources"]


def test_every_file_is_a_resource():
    assert {path.name for path in DEPLOY.glob("*.yaml")} == {*RESOURCES, "kustomization.yaml"}


@pytest.mark.parametrize("name", RESOURCES)
def test_each_manifest_is_valid(name):
    kubernetes_validate.validate(manifest(name), KUBERNETES, strict=True)


def test_an_unknown_field_is_reported():
    wrong = manifest("deployment.yaml")
    wrong["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_all_manifests_select_the_same_pods_and_port():
    deployment, service = manifest("deployment.yaml"), manifest("service.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert labels == manifest("network-policy.yaml")["spec"]["podSelector"]["matchLabels"]
    assert manifest("autoscaler.yaml")["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    assert {service["spec"]["ports"][0]["targetPort"]} == ports
    assert {manifest("network-policy.yaml")["spec"]["ingress"][0]["ports"][0]["port"]} == ports


def test_the_pod_has_no_needless_privileges():
    pod = manifest("deployment.yaml")["spec"]["template"]["spec"]
    container = pod["containers"][0]["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_service_answers_to_the_name_of_its_service():
    variables = manifest("deployment.yaml")["spec"]["template"]["spec"]["containers"][0]["env"]
    hosts = {variable["name"]: variable.get("value") for variable in variables}["FINGERSPELL_HOSTS"]
    assert manifest("service.yaml")["metadata"]["name"] in Settings(hosts=hosts).hosts


def test_a_client_cannot_forge_its_address():
    variables = manifest("deployment.yaml")["spec"]["template"]["spec"]["containers"][0]["env"]
    trusted = {variable["name"]: variable.get("value") for variable in variables}["FORWARDED_ALLOW_IPS"]
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"][0])

    ingress_says = [(b"x-forwarded-for", b"198.51.100.1, 203.0.113.9")]  # the client sent the first one itself
    scope = {"type": "http", "scheme": "http", "client": ("10.1.2.3", 1), "headers": ingress_says}
    asyncio.run(ProxyHeadersMiddleware(app, trusted)(scope, None, None))
    assert seen == ["203.0.113.9"]
