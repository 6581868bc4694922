"""Holds what `entra-mirror setup` relies on against Microsoft's own client of Graph, in a sandbox with nothing registered.

Whatever the sandbox answers has to be a property that the client's model knows, of its type; whatever the client sends has to
be taken. Nothing here knows the sandbox's code.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import traceback
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
from kiota_abstractions.api_error import APIError
from kiota_abstractions.authentication.anonymous_authentication_provider import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.serialization import Parsable
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.application_templates.item.instantiate.instantiate_post_request_body import (
    InstantiatePostRequestBody,
)
from msgraph.generated.applications.applications_request_builder import ApplicationsRequestBuilder
from msgraph.generated.applications.item.add_password.add_password_post_request_body import (
    AddPasswordPostRequestBody,
)
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.models.application import Application
from msgraph.generated.models.federated_identity_credential import FederatedIdentityCredential
from msgraph.generated.models.password_credential import PasswordCredential
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.required_resource_access import RequiredResourceAccess
from msgraph.generated.models.resource_access import ResourceAccess
from msgraph.generated.models.service_principal import ServicePrincipal
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.models.web_application import WebApplication
from msgraph.generated.service_principals.item.add_token_signing_certificate.add_token_signing_certificate_post_request_body import (
    AddTokenSigningCertificatePostRequestBody,
)
from msgraph.generated.service_principals.service_principals_request_builder import (
    ServicePrincipalsRequestBuilder,
)

TEMPLATE = "21ed01d2-ec13-4e9e-86c1-cd546719ebc4"
GRAPH = "00000003-0000-0000-c000-000000000000"
SCOPES = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All", "User.Read.All",
          "Group.Read.All"]


def control(addresses, what, body):
    request = urllib.request.Request(f"{addresses['control']}/{what}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def client(addresses):
    """The client as an operator with a token uses it. What is new is seen at once, to keep this short."""
    control(addresses, "faults", {"new_applications": {"unseen_ms": 0, "wavering_ms": 0}, "quotas": False})
    token = control(addresses, "operator", {"scopes": SCOPES})["access_token"]
    http = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=20)
    adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), http)
    adapter.base_url = addresses["graph"]
    return GraphServiceClient(request_adapter=adapter)


def unknown(model, path=""):
    """The properties of an answer that the model does not know."""
    found = [f"{path}.{name}" for name in getattr(model, "additional_data", {}) if not name.startswith("@odata.")]
    for name, value in vars(model).items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Parsable):
                found += unknown(item, f"{path}.{name}")
    return found


def known(model):
    assert model is not None, "there is no answer"
    assert not unknown(model), f"the model of {type(model).__name__} does not know {unknown(model)}"
    return model


async def refused(status, code, call):
    try:
        await call
    except APIError as error:
        seen = (error.response_status_code, error.error.code)
        assert seen == (status, code), f"{seen} {error.error.message}, not {status} {code}"
        return
    raise AssertionError(f"it is not refused with {status} {code}")


async def check_an_application_is_made_from_the_gallery(graph, _):
    template = known(await graph.application_templates.by_application_template_id(TEMPLATE).get())
    assert "saml" in template.supported_single_sign_on_modes, template.supported_single_sign_on_modes
    instantiate = graph.application_templates.by_application_template_id(TEMPLATE).instantiate
    made = known(await instantiate.post(InstantiatePostRequestBody(display_name="AWS")))
    assert made.application.app_id == made.service_principal.app_id, "both are of one application"
    assert made.service_principal.application_template_id == TEMPLATE, made.service_principal

    principal = graph.service_principals.by_service_principal_id(made.service_principal.id)
    await principal.patch(ServicePrincipal(preferred_single_sign_on_mode="saml", login_url="https://portal.example",
                                           notification_email_addresses=["it@contoso.example"]))
    seen = known(await principal.get())
    assert (seen.preferred_single_sign_on_mode, seen.login_url) == ("saml", "https://portal.example"), seen
    assert {role.display_name for role in seen.app_roles} >= {"User", "msiam_access"}, seen.app_roles

    application = graph.applications.by_application_id(made.application.id)
    await application.patch(Application(identifier_uris=["https://signin.example/saml/d-1"],
                                        web=WebApplication(redirect_uris=["https://signin.example/acs/d-1"])))
    seen = known(await application.get())
    assert seen.identifier_uris == ["https://signin.example/saml/d-1"], seen.identifier_uris
    assert seen.web.redirect_uris == ["https://signin.example/acs/d-1"], seen.web.redirect_uris

    expires = datetime.now(timezone.utc) + timedelta(days=1000)
    body = AddTokenSigningCertificatePostRequestBody(display_name="CN=test", end_date_time=expires)
    certificate = known(await principal.add_token_signing_certificate.post(body))
    assert certificate.thumbprint and certificate.custom_key_identifier, certificate
    await principal.patch(ServicePrincipal(preferred_token_signing_key_thumbprint=certificate.thumbprint))
    seen = known(await principal.get())
    assert seen.preferred_token_signing_key_thumbprint == certificate.thumbprint, seen
    assert {key.usage for key in seen.key_credentials} == {"Sign", "Verify"}, seen.key_credentials


async def check_an_app_registration_is_found_trusts_a_role_and_is_granted_what_it_requires(graph, _):
    name = f"reader-{uuid.uuid4()}"
    made = known(await graph.applications.post(Application(display_name=name, sign_in_audience="AzureADMyOrg")))
    query = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters(
        filter=f"appId eq '{made.app_id}'")
    listed = known(await graph.applications.get(RequestConfiguration(query_parameters=query)))
    assert [found.id for found in listed.value] == [made.id], listed.value
    principal = known(await graph.service_principals.post(ServicePrincipal(app_id=made.app_id)))

    credentials = graph.applications.by_application_id(made.id).federated_identity_credentials
    trust = FederatedIdentityCredential(name="mirror", issuer="https://issuer.example",
                                        subject="arn:aws:iam::111122223333:role/mirror",
                                        audiences=["api://AzureADTokenExchange"])
    known(await credentials.post(trust))
    seen = known(await credentials.get()).value
    assert [(one.name, one.subject) for one in seen] == [("mirror", trust.subject)], seen
    again = FederatedIdentityCredential(name="other", issuer=trust.issuer, subject=trust.subject,
                                        audiences=trust.audiences)
    await refused(400, "InvalidFederatedIdentityCredentialValue", credentials.post(again))

    query = ServicePrincipalsRequestBuilder.ServicePrincipalsRequestBuilderGetQueryParameters(
        filter=f"appId eq '{GRAPH}'")
    of_graph = known(await graph.service_principals.get(RequestConfiguration(query_parameters=query))).value[0]
    role = next(role for role in of_graph.app_roles if role.value == "User.Read.All")
    access = [ResourceAccess(id=role.id, type="Role")]
    await graph.applications.by_application_id(made.id).patch(Application(
        required_resource_access=[RequiredResourceAccess(resource_app_id=GRAPH, resource_access=access)]))
    grants = graph.service_principals.by_service_principal_id(principal.id).app_role_assignments
    grant = AppRoleAssignment(principal_id=uuid.UUID(principal.id), resource_id=uuid.UUID(of_graph.id),
                              app_role_id=role.id)
    known(await grants.post(grant))
    assert [one.app_role_id for one in known(await grants.get()).value] == [role.id], "it is granted"

    secret = await graph.applications.by_application_id(made.id).add_password.post(
        AddPasswordPostRequestBody(password_credential=PasswordCredential(display_name="functions")))
    assert known(secret).secret_text, "it is shown once"
    seen = known(await graph.applications.by_application_id(made.id).get())
    assert [one.key_id for one in seen.password_credentials] == [secret.key_id], seen.password_credentials
    assert seen.password_credentials[0].secret_text is None, "and never again"


async def check_an_owner_is_added_once(graph, addresses):
    made = known(await graph.applications.post(Application(display_name=f"rotator-{uuid.uuid4()}")))
    principal = known(await graph.service_principals.post(ServicePrincipal(app_id=made.app_id)))
    owners = graph.applications.by_application_id(made.id).owners
    reference = ReferenceCreate(odata_id=f"{addresses['graph']}/directoryObjects/{principal.id}")
    await owners.ref.post(reference)
    assert [owner.id for owner in known(await owners.get()).value] == [principal.id]
    await refused(400, "Request_BadRequest", owners.ref.post(reference))


async def check_a_subscription_is_made_renewed_listed_and_deleted(graph, _):
    with webhook() as url:
        expires = datetime.now(timezone.utc) + timedelta(days=2)
        made = known(await graph.subscriptions.post(Subscription(
            change_type="updated,deleted", resource="/users", notification_url=url, lifecycle_notification_url=url,
            client_state="secret", expiration_date_time=expires)))
        assert made.client_state == "secret", "what was sent is answered"
        one = graph.subscriptions.by_subscription_id(made.id)
        await one.patch(Subscription(expiration_date_time=expires + timedelta(days=2)))
        listed = known(await graph.subscriptions.get()).value
        assert [(seen.id, seen.client_state) for seen in listed] == [(made.id, None)], listed
        assert listed[0].expiration_date_time > expires, listed[0].expiration_date_time
        await one.delete()
        await refused(404, "ResourceNotFound", one.get())


async def check_the_tenant_says_who_it_is_and_what_it_has(graph, _):
    organization = known(await graph.organization.get()).value
    assert len(organization) == 1 and organization[0].id and organization[0].display_name, organization
    plans = [plan.service_plan_name for sku in known(await graph.subscribed_skus.get()).value
             for plan in sku.service_plans]
    assert "AAD_PREMIUM" in plans, plans


@contextlib.contextmanager
def webhook():
    """Answers handshakes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(token.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/notify"
    finally:
        server.shutdown()
        server.server_close()


async def run(addresses):
    graph, failed = client(addresses), 0
    checks = [(name, check) for name, check in globals().items() if name.startswith("check_")]
    for name, check in checks:
        try:
            await check(graph, addresses)
            print(f"ok graph_sdk.{name}")
        except Exception:
            failed += 1
            print(f"FAILED graph_sdk.{name}: make the sandbox (shared/sandbox) do what the check says, or correct it")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(binary):
    sandbox = subprocess.Popen([binary, "sandbox", "--port", "0", "--empty"], stdout=subprocess.PIPE, text=True)
    try:
        first_line = sandbox.stdout.readline()
        if not first_line:
            sys.exit(f"tests/third_party: {binary} printed no addresses: start it by hand and read its error")
        return asyncio.run(run(json.loads(first_line)))
    finally:
        sandbox.kill()
        sandbox.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
