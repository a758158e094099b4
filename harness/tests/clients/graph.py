"""msgraph-sdk lists, filters, searches, pages, follows deltas, batches and patches users, and makes groups.

With a base URL it is configured; without one it is left alone and led by the environment's proxy.
"""

import asyncio
import json
import ssl
import sys

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

SCOPES = ["https://graph.microsoft.com/.default"]
Query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters


def configured(ready: dict) -> GraphServiceClient:
    credential = ClientSecretCredential(
        ready["tenant_id"],
        ready["client_id"],
        ready["client_secret"],
        authority=ready["login"],
        disable_instance_discovery=True,
        connection_verify=ready["ca_file"],
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=SCOPES, allowed_hosts=["localhost"]
    )
    trust = ssl.create_default_context(cafile=ready["ca_file"])
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=trust, timeout=60, trust_env=False)
    )
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = ready["graph"] + "/v1.0"
    return GraphServiceClient(request_adapter=adapter)


def left_alone(ready: dict) -> GraphServiceClient:
    credential = ClientSecretCredential(
        ready["tenant_id"], ready["client_id"], ready["client_secret"]
    )
    return GraphServiceClient(credential, scopes=SCOPES)


async def run(ready: dict, client: GraphServiceClient) -> None:
    def ask(**options) -> RequestConfiguration:
        return RequestConfiguration(query_parameters=Query(**options))

    first = await client.users.get(ask(top=999, select=["id", "userPrincipalName"]))
    seen = len(first.value)
    while first.odata_next_link:
        first = await client.users.with_url(first.odata_next_link).get()
        seen += len(first.value)
    assert seen >= ready_mailboxes(ready), seen

    upn = ready["users"][0]["upn"]
    found = await client.users.get(ask(filter=f"userPrincipalName eq '{upn}'"))
    assert [user.user_principal_name for user in found.value] == [upn]
    advanced = ask(filter="endsWith(mail,'@nowhere.example')", count=True)
    advanced.headers.add("ConsistencyLevel", "eventual")
    assert (await client.users.get(advanced)).odata_count == 0

    delta = await client.users.delta.get()
    while delta.odata_next_link:
        delta = await client.users.delta.with_url(delta.odata_next_link).get()
    user = client.users.by_user_id(ready["users"][0]["id"])
    await user.patch(User(usage_location="DE"))
    changed = await client.users.delta.with_url(delta.odata_delta_link).get()
    assert [entry.id for entry in changed.value] == [ready["users"][0]["id"]]
    await user.patch(User(usage_location="FR"))

    try:
        await user.patch(User(display_name="nobody"))
    except ODataError as refused:
        assert "on-premises mastered" in refused.error.message
    else:
        raise AssertionError("a synchronized user was renamed in the cloud")
    try:
        await client.users.by_user_id("nobody@nowhere.example").get()
    except ODataError as refused:
        assert refused.error.code == "Request_ResourceNotFound"
    else:
        raise AssertionError("somebody who is not there")

    batch = BatchRequestContent()
    for place, known in enumerate(ready["users"]):
        request = client.users.by_user_id(known["id"]).to_get_request_information()
        batch.add_request(str(place), BatchRequestItem(request, str(place)))
    nobody = client.users.by_user_id("nobody@nowhere.example").to_get_request_information()
    batch.add_request("nobody", BatchRequestItem(nobody, "nobody"))
    answers = await client.batch.post(batch)
    # This version of the SDK cannot read bodies of JSON out of a batch.
    expected = {str(place): 200 for place in range(len(ready["users"]))} | {"nobody": 404}
    assert answers.get_response_status_codes() == expected


    await search(client, upn)
    await groups(client, ready["users"][0]["id"])


async def search(client: GraphServiceClient, upn: str) -> None:
    """`$search` wants its header, and finds by the beginning of a word."""
    ask = RequestConfiguration(query_parameters=Query(search=f'"userPrincipalName:{upn}"'))
    try:
        await client.users.get(ask)
    except ODataError as refused:
        assert "ConsistencyLevel" in refused.error.message
    else:
        raise AssertionError("a search without its header")
    ask.headers.add("ConsistencyLevel", "eventual")
    assert upn in [user.user_principal_name for user in (await client.users.get(ask)).value]


async def groups(client: GraphServiceClient, member: str) -> None:
    """Groups come and go, and are paged through; contacts are read."""
    made = []
    for number in range(7):
        group = Group(
            display_name=f"Wave {number}",
            mail_nickname=f"wave{number}",
            mail_enabled=False,
            security_enabled=True,
            group_types=[],
        )
        made.append((await client.groups.post(group)).id)
    builder = client.groups.by_group_id(made[0])
    await builder.members.ref.post(
        ReferenceCreate(odata_id=f"https://graph.microsoft.com/v1.0/directoryObjects/{member}")
    )
    assert [one.id for one in (await builder.members.get()).value] == [member]
    ask = RequestConfiguration(
        query_parameters=GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters(top=3)
    )
    page = await client.groups.get(ask)
    seen = [group.id for group in page.value]
    while page.odata_next_link:
        page = await client.groups.with_url(page.odata_next_link).get()
        seen += [group.id for group in page.value]
    assert set(made) <= set(seen) and len(seen) == len(set(seen)), seen
    for one in made:
        await client.groups.by_group_id(one).delete()
    assert not set(made) & {group.id for group in (await client.groups.get()).value}
    assert (await client.contacts.get()).value is not None


def ready_mailboxes(ready: dict) -> int:
    return int(ready.get("mailboxes", 3))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        READY = json.load(file)
    READY["mailboxes"] = int(sys.argv[2])
    BY_PROXY = sys.argv[3] == "proxy"
    asyncio.run(run(READY, left_alone(READY) if BY_PROXY else configured(READY)))
    print(f"msgraph-sdk ({sys.argv[3]}): list, page, filter, search, count, delta, patch, refusals, batch, groups")
