"""Holds the sandbox's sso-admin and AWS Organizations against botocore's models of the real ones, by boto3 and raw calls.

Every answer is checked against the model's output shapes; every constraint of the model's input shapes is broken
once, and must be refused. Nothing here knows the sandbox's code.
"""

import json
import urllib.error
import urllib.request

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from identity_store_model import KEYS, broken_bodies, faults

PROD, LAB, UNIT = "222222222222", "444444444444", "ou-sbox-workloads"
# What the sandbox offers of each.
OFFERED = {
    "sso-admin": [
        "ListInstances", "ListPermissionSets", "DescribePermissionSet", "ListAccountsForProvisionedPermissionSet",
        "ListAccountAssignments", "ListAccountAssignmentsForPrincipal", "CreateAccountAssignment",
        "DeleteAccountAssignment", "DescribeAccountAssignmentCreationStatus", "DescribeAccountAssignmentDeletionStatus",
        "ListAccountAssignmentCreationStatus", "ListAccountAssignmentDeletionStatus",
    ],
    "organizations": [
        "DescribeOrganization", "ListAccounts", "ListRoots", "ListOrganizationalUnitsForParent", "ListAccountsForParent",
    ],
}
REFUSED = {"sso-admin": {"ValidationException"}, "organizations": {"InvalidInputException"}}


class Api:
    """A caller of one of the sandbox's JSON APIs."""

    def __init__(self, addresses, service, signing_name):
        self.url, self.region, self.service, self.signing_name = addresses["aws"], addresses["region"], service, signing_name
        self.model = botocore.session.get_session().get_service_model(service)
        self.client = boto3.client(
            service, endpoint_url=self.url, region_name=self.region, aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1], config=Config(retries={"max_attempts": 0}))

    def raw(self, operation, body):
        request = AWSRequest("POST", self.url, data=json.dumps(body).encode(), headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"{self.model.metadata['targetPrefix']}.{operation}",
        })
        SigV4Auth(Credentials(*KEYS), self.signing_name, self.region).add_auth(request)
        call = urllib.request.Request(self.url, request.data, dict(request.headers), method="POST")
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def done(self, operation, body):
        status, answer = self.raw(operation, body)
        assert status == 200, f"{operation} {body}: {status} {answer}"
        wrong = list(faults(self.model.operation_model(operation).output_shape, answer, operation))
        assert not wrong, f"the answer of {operation} is not of its shape: {wrong}"
        return answer


def control(addresses, path, body):
    request = urllib.request.Request(f"{addresses['control']}/{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


class World:
    """Two accounts, one of them in a unit, a group and a permission set that it has in one of them."""

    def __init__(self, addresses):
        seeded = control(addresses, "seed", {
            "units": [{"id": UNIT, "name": "Workloads"}],
            "accounts": [{"id": PROD, "name": "prod", "parent": UNIT}, {"id": LAB, "name": "lab"}],
            "permission_sets": [{"name": "AdministratorAccess", "description": "Everything"}],
            "identity_center": {"groups": [{"DisplayName": "Account engineers"}]},
        })
        self.addresses = addresses
        self.group = seeded["identity_center"]["groups"]["Account engineers"]
        self.set = seeded["permission_sets"]["AdministratorAccess"]
        self.admin = Api(addresses, "sso-admin", "sso")
        self.organizations = Api(addresses, "organizations", "organizations")
        self.instance = {"InstanceArn": addresses["instance_arn"]}
        made = self.admin.done("CreateAccountAssignment", self.target(PROD))["AccountAssignmentCreationStatus"]
        self.wait()
        gone = self.admin.done("DeleteAccountAssignment", self.target(PROD))["AccountAssignmentDeletionStatus"]
        self.wait()
        self.made, self.gone = made["RequestId"], gone["RequestId"]

    def wait(self):
        control(self.addresses, "clock", {"advance_seconds": 15})

    def target(self, account):
        return {**self.instance, "TargetId": account, "TargetType": "AWS_ACCOUNT", "PermissionSetArn": self.set,
                "PrincipalType": "GROUP", "PrincipalId": self.group}

    def bodies(self):
        """A good body for every operation, in an order in which all succeed."""
        arn, page = {"PermissionSetArn": self.set}, {"MaxResults": 20}
        status = {"Filter": {"Status": "IN_PROGRESS"}}
        yield self.admin, "ListInstances", {**page, "RegionScope": "CURRENT_REGION"}
        yield self.admin, "ListPermissionSets", {**self.instance, **page}
        yield self.admin, "DescribePermissionSet", {**self.instance, **arn}
        yield self.admin, "CreateAccountAssignment", self.target(LAB)
        yield self.admin, "ListAccountAssignmentCreationStatus", {**self.instance, **page, **status}
        yield self.admin, "DescribeAccountAssignmentCreationStatus", {
            **self.instance, "AccountAssignmentCreationRequestId": self.made}
        yield self.admin, "ListAccountsForProvisionedPermissionSet", {
            **self.instance, **arn, **page, "ProvisioningStatus": "LATEST_PERMISSION_SET_PROVISIONED"}
        yield self.admin, "ListAccountAssignments", {**self.instance, **arn, **page, "AccountId": LAB}
        yield self.admin, "ListAccountAssignmentsForPrincipal", {
            **self.instance, **page, "PrincipalId": self.group, "PrincipalType": "GROUP", "Filter": {"AccountId": LAB}}
        yield self.admin, "DeleteAccountAssignment", self.target(LAB)
        yield self.admin, "ListAccountAssignmentDeletionStatus", {**self.instance, **page, **status}
        yield self.admin, "DescribeAccountAssignmentDeletionStatus", {
            **self.instance, "AccountAssignmentDeletionRequestId": self.gone}
        yield self.organizations, "DescribeOrganization", {}
        yield self.organizations, "ListAccounts", page
        yield self.organizations, "ListRoots", page
        yield self.organizations, "ListOrganizationalUnitsForParent", {**page, "ParentId": "r-sbox"}
        yield self.organizations, "ListAccountsForParent", {**page, "ParentId": UNIT}


def check_every_broken_constraint_is_refused(world):
    kinder, tried = [], 0
    for api, operation, body in world.bodies():
        shape = api.model.operation_model(operation).input_shape
        calls = broken_bodies(shape, body) if shape else [("an unknown member", {"NoSuchMember": "x"}, None)]
        for what, broken, errors in calls:
            # Pages of Organizations have tokens of any characters.
            if api.service == "organizations" and what.startswith("NextToken against"):
                continue
            status, answer = api.raw(operation, broken)
            tried += 1
            allowed = REFUSED[api.service] | (errors or set())
            if status != 400 or answer.get("__type") not in allowed:
                kinder.append(f"{operation} {what}: {status} {answer.get('__type')}")
        for name, member in (shape.members.items() if shape else []):
            if member.metadata.get("enum"):
                status, answer = api.raw(operation, {**body, name: "NO_SUCH_WORD"})
                tried += 1
                if status != 400 or answer.get("__type") not in REFUSED[api.service]:
                    kinder.append(f"{operation} {name} of no known word: {status}")
    assert tried > 200, f"only {tried} broken calls were made: the models were not read as meant"
    assert not kinder, "not refused as the model says:\n  " + "\n  ".join(kinder)


def check_every_answer_has_its_shape(world):
    seen = {}
    for api, operation, body in world.bodies():
        seen.setdefault(api.service, []).append(operation)
        api.done(operation, body)
        if operation == "CreateAccountAssignment":
            world.wait()
    assert {service: sorted(names) for service, names in seen.items()} == {
        service: sorted(names) for service, names in OFFERED.items()}, seen


def check_boto3_reads_pages_and_errors(world):
    admin, instance = world.admin.client, world.addresses["instance_arn"]
    pages = world.organizations.client.get_paginator("list_accounts").paginate(PaginationConfig={"PageSize": 1})
    assert {PROD, LAB} <= {account["Id"] for page in pages for account in page["Accounts"]}, "a page lost an account"
    world.wait()
    admin.create_account_assignment(**world.target(PROD))
    for error, call in [
        ("ConflictException", lambda: admin.create_account_assignment(**world.target(PROD))),
        ("ResourceNotFoundException", lambda: admin.create_account_assignment(**world.target("999999999999"))),
        ("ResourceNotFoundException", lambda: admin.list_permission_sets(InstanceArn=instance[:-1] + "0")),
        ("ParentNotFoundException", lambda: world.organizations.client.list_accounts_for_parent(
            ParentId="ou-sbox-nowhere12")),
    ]:
        try:
            call()
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == error, refused
        else:
            raise AssertionError(f"{error} was expected, and the call was done")


def checks(addresses):
    """The checks, in the order in which they build on one another."""
    world = World(addresses)
    for check in (check_every_broken_constraint_is_refused, check_every_answer_has_its_shape,
                  check_boto3_reads_pages_and_errors):
        yield check.__name__, lambda check=check: check(world)
