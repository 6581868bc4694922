"""Holds the sandbox's IAM SAML providers and STS against botocore's models of the real ones, by boto3 and by raw calls.

Every element of every answer must be in the model's output shape, and every required one in the answer; lengths and
patterns of the input shapes are broken once, and must be refused. Nothing here knows the sandbox's code.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

KEYS = ("sandbox", "sandbox")
MEMBER, ROLE = "222222222222", "SamlTrustUpdater"
# What the sandbox offers of IAM and STS, and which members of their inputs.
OFFERED = {
    "CreateSAMLProvider": {"Name", "SAMLMetadataDocument"},
    "GetSAMLProvider": {"SAMLProviderArn"},
    "ListSAMLProviders": set(),
    "UpdateSAMLProvider": {"SAMLProviderArn", "SAMLMetadataDocument"},
    "AssumeRole": {"RoleArn", "RoleSessionName", "DurationSeconds"},
    "GetCallerIdentity": set(),
}


class Api:
    """A caller of one of the sandbox's query APIs."""

    def __init__(self, addresses, service, keys=KEYS, token=None):
        self.url, self.region, self.service = addresses["aws"], addresses["region"], service
        self.model = botocore.session.get_session().get_service_model(service)
        self.credentials = Credentials(*keys, token)
        self.client = boto3.client(
            service, endpoint_url=self.url, region_name=self.region, aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1], aws_session_token=token,
            config=Config(retries={"max_attempts": 0}, parameter_validation=False),
        )

    def raw(self, operation, members):
        """Sends a form; answers the status and the root of what came back."""
        form = {"Action": operation, "Version": self.model.api_version, **members}
        request = AWSRequest("POST", self.url, data=urllib.parse.urlencode(form).encode(), headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        SigV4Auth(self.credentials, self.service, self.region).add_auth(request)
        call = urllib.request.Request(self.url, request.data, dict(request.headers), method="POST")
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return answer.status, ElementTree.fromstring(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, ElementTree.fromstring(error.read())

    def done(self, operation, members):
        """Sends a good form and checks the answer against the output shape."""
        status, root = self.raw(operation, members)
        assert status == 200, f"{operation}: {status} {ElementTree.tostring(root)}"
        space = self.model.metadata["xmlNamespace"]
        assert root.tag == f"{{{space}}}{operation}Response", f"{operation}: the root is {root.tag}"
        shape = self.model.operation_model(operation).output_shape
        result = root.find(f"{{{space}}}{shape.serialization['resultWrapper']}")
        assert result is not None, f"{operation}: no result"
        wrong = list(faults(shape, result, operation))
        assert not wrong, f"the answer of {operation} is not of its shape: {wrong}"
        return result


def name_of(element):
    return element.tag.rpartition("}")[2]


def faults(shape, element, path):
    """Where an element is not of its shape."""
    if shape.type_name == "structure":
        seen = {name_of(child): child for child in element}
        for name in set(shape.required_members) - set(seen):
            yield f"{path}.{name}: missing"
        for name in set(seen) - set(shape.members):
            yield f"{path}.{name}: unknown"
        for name in set(seen) & set(shape.members):
            yield from faults(shape.members[name], seen[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for child in element:
            if name_of(child) != "member":
                yield f"{path}: an item {name_of(child)}"
            yield from faults(shape.member, child, f"{path}[]")
    elif shape.type_name == "string":
        length = len(element.text or "")
        if not shape.metadata.get("min", 0) <= length <= shape.metadata.get("max", 10**9):
            yield f"{path}: length {length}"


def control(addresses, path, body):
    request = urllib.request.Request(f"{addresses['control']}/{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def metadata(addresses):
    url = (f"{addresses['login']}/{addresses['tenant_id']}/federationmetadata/2007-06/federationmetadata.xml"
           f"?appid={addresses['app_id']}")
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


class World:
    """A certificate, a provider that knows it, and a role that may change another account's."""

    def __init__(self, addresses):
        role = {"name": ROLE, "saml_providers": ["Entra"]}
        control(addresses, "seed", {
            "certificates": [{"preferred": True}],
            "accounts": [{"id": MEMBER, "roles": [role], "saml_providers": [{"name": "Entra"}]}]})
        self.addresses, self.document = addresses, metadata(addresses)
        self.iam, self.sts = Api(addresses, "iam"), Api(addresses, "sts")
        self.arn = f"arn:aws:iam::{addresses['account_id']}:saml-provider/Entra"
        self.role = {"RoleArn": f"arn:aws:iam::{MEMBER}:role/{ROLE}", "RoleSessionName": "certificate"}
        self.bodies = {
            "CreateSAMLProvider": {"Name": "Entra", "SAMLMetadataDocument": self.document},
            "GetSAMLProvider": {"SAMLProviderArn": self.arn},
            "ListSAMLProviders": {},
            "UpdateSAMLProvider": {"SAMLProviderArn": self.arn, "SAMLMetadataDocument": self.document},
            "AssumeRole": {**self.role, "DurationSeconds": "900"},
            "GetCallerIdentity": {},
        }

    def api(self, operation):
        return self.sts if operation in ("AssumeRole", "GetCallerIdentity") else self.iam


def check_every_answer_has_its_shape(world):
    for operation, body in world.bodies.items():
        world.api(operation).done(operation, body)


def broken(shape, name):
    """Values of a member that break one constraint of its shape."""
    least, most, pattern = (shape.metadata.get(key) for key in ("min", "max", "pattern"))
    if shape.type_name == "integer":
        yield from (str(least - 1), str(most + 1), "x")
        return
    if least:
        yield "a" * (least - 1)
    if most and most < 100_000:
        yield "a" * (most + 1)
    if pattern and "\\w" in pattern:
        yield "a b/c"


def check_every_broken_constraint_is_refused(world):
    kinder, tried = [], 0
    for operation, body in world.bodies.items():
        api = world.api(operation)
        shape = api.model.operation_model(operation).input_shape
        members = shape.members if shape else {}
        assert OFFERED[operation] <= set(members), f"the model of {operation} lacks {OFFERED[operation] - set(members)}"
        calls = [(f"without {name}", {key: value for key, value in body.items() if key != name})
                 for name in (shape.required_members if shape else [])]
        calls += [(f"{name} of {len(value)} characters", {**body, name: value})
                  for name in OFFERED[operation] for value in broken(members[name], name)]
        calls.append(("a member that nobody knows", {**body, "NoSuchMember": "x"}))
        for what, call in calls:
            status, root = api.raw(operation, call)
            tried += 1
            codes = [child.text for child in root.iter() if name_of(child) == "Code"]
            if status != 400 or codes != ["ValidationError"]:
                kinder.append(f"{operation} {what}: {status} {codes}")
    assert tried > 20, f"only {tried} broken calls were made: the models were not read as meant"
    assert not kinder, "not refused as the model says:\n  " + "\n  ".join(kinder)


def refused(code, status, call):
    try:
        call()
    except ClientError as error:
        seen = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert seen == (code, status), f"{seen}, not {(code, status)}"
    else:
        raise AssertionError(f"{code} was expected, and the call was done")


def check_boto3_reads_documents_and_errors(world):
    client, document = world.iam.client, world.document
    shown = client.get_saml_provider(SAMLProviderArn=world.arn)
    assert shown["SAMLMetadataDocument"] == document, "the document came back changed"
    assert shown["ValidUntil"].year - shown["CreateDate"].year == 100, "ValidUntil is not a hundred years on"
    assert client.update_saml_provider(SAMLProviderArn=world.arn, SAMLMetadataDocument=document)["SAMLProviderArn"]
    arns = [entry["Arn"] for entry in client.list_saml_providers()["SAMLProviderList"]]
    reserved = [arn for arn in arns if "AWSSSO_" in arn]
    assert world.arn in arns and len(reserved) == 1, arns
    # The codes and statuses of the model's exceptions.
    refused("NoSuchEntity", 404, lambda: client.get_saml_provider(SAMLProviderArn=world.arn + "2"))
    refused("EntityAlreadyExists", 409, lambda: client.create_saml_provider(
        Name="Entra", SAMLMetadataDocument=document))
    refused("InvalidInput", 400, lambda: client.update_saml_provider(
        SAMLProviderArn=world.arn, SAMLMetadataDocument="<a>" + "x" * 1000 + "</a>"))
    refused("AccessDenied", 403, lambda: client.update_saml_provider(
        SAMLProviderArn=reserved[0], SAMLMetadataDocument=document))


def check_boto3_reaches_another_account(world):
    given = world.sts.client.assume_role(**world.role)
    keys = given["Credentials"]
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/{ROLE}/certificate"
    pair = (keys["AccessKeyId"], keys["SecretAccessKey"])
    sts = Api(world.addresses, "sts", pair, keys["SessionToken"])
    assert sts.client.get_caller_identity()["Account"] == MEMBER
    there = Api(world.addresses, "iam", pair, keys["SessionToken"]).client
    arn = f"arn:aws:iam::{MEMBER}:saml-provider/Entra"
    there.update_saml_provider(SAMLProviderArn=arn, SAMLMetadataDocument=world.document)
    assert there.get_saml_provider(SAMLProviderArn=arn)["SAMLMetadataDocument"] == world.document
    refused("AccessDenied", 403, there.list_saml_providers)
    forged = Api(world.addresses, "iam", (keys["AccessKeyId"], "guessed"), keys["SessionToken"]).client
    refused("SignatureDoesNotMatch", 403, lambda: forged.get_saml_provider(SAMLProviderArn=arn))


def checks(addresses):
    """The checks, in the order in which they build on one another."""
    world = World(addresses)
    for check in (check_every_answer_has_its_shape, check_every_broken_constraint_is_refused,
                  check_boto3_reads_documents_and_errors, check_boto3_reaches_another_account):
        yield check.__name__, lambda check=check: check(world)
