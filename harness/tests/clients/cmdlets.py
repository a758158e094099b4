"""A plain script posts the REST bodies that fleet tools post: it pages through all mailboxes, flips flags in
batches, edits attributes, and reads back what came of it. Standard library alone.

With `configured` it asks the ports of the ready file; with `proxy` the service's own hosts, through the
environment's proxy."""

import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

COLUMNS = "UserPrincipalName,IsExchangeCloudManaged,RecipientTypeDetails,ExternalDirectoryObjectId,IsDirSynced"


class Tenant:
    """An Exchange Online tenant and a token for it."""

    def __init__(self, ready: dict, by_proxy: bool) -> None:
        self.ready = ready
        context = ssl.create_default_context(cafile=None if by_proxy else ready["ca_file"])
        proxies = urllib.request.ProxyHandler(None if by_proxy else {})
        self.opener = urllib.request.build_opener(
            proxies, urllib.request.HTTPSHandler(context=context)
        )
        self.login = "https://login.microsoftonline.com" if by_proxy else ready["login"]
        host = "https://outlook.office365.com" if by_proxy else ready["exchange"]
        self.base = f"{host}/adminapi/beta/{ready['tenant_id']}"
        self.token = self.sign_in(ready["client_id"], ready["client_secret"])

    def sign_in(self, client: str, secret: str) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
            "scope": "https://outlook.office365.com/.default",
        }
        url = f"{self.login}/{self.ready['tenant_id']}/oauth2/v2.0/token"
        with self.opener.open(url, urllib.parse.urlencode(form).encode()) as answer:
            return json.load(answer)["access_token"]

    def post(self, url: str, body: dict, prefer: str = "odata.maxpagesize=1000") -> tuple[int, dict]:
        anchor = f"APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{self.ready['tenant_id']}"
        request = urllib.request.Request(
            url,
            json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json; charset=utf-8",
                "Prefer": prefer,
                "X-AnchorMailbox": anchor,
            },
        )
        try:
            with self.opener.open(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            text = refused.read()
            return refused.code, json.loads(text) if text.startswith(b"{") else {}

    def get(self, url: str) -> tuple[int, dict]:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with self.opener.open(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def cmdlet(self, name: str, select: str | None = None, **parameters) -> tuple[int, dict]:
        url = f"{self.base}/InvokeCommand" + (f"?$select={select}" if select else "")
        return self.post(url, body_of(name, parameters))


def body_of(name: str, parameters: dict) -> dict:
    return {"CmdletInput": {"CmdletName": name, "Parameters": parameters}}


def everybody(tenant: Tenant, cmdlet: str = "Get-Mailbox") -> list[dict]:
    """Follows each next link with a POST of the same body."""
    body = body_of(cmdlet, {"ResultSize": "Unlimited"})
    url = f"{tenant.base}/InvokeCommand?$select={COLUMNS}"
    rows = []
    while url:
        status, page = tenant.post(url, body)
        assert status == 200, page
        rows += page["value"]
        url = page.get("@odata.nextLink")
    return rows


def flip(tenant: Tenant, ids: list[str]) -> None:
    """Ten `Set-Mailbox` in a batch, with absolute addresses."""
    requests = [
        {
            "id": str(place),
            "method": "POST",
            "url": f"{tenant.base}/InvokeCommand?",
            "headers": {"X-CmdletName": "Set-Mailbox", "Content-Type": "application/json"},
            "body": body_of("Set-Mailbox", {"Identity": one, "IsExchangeCloudManaged": True}),
        }
        for place, one in enumerate(ids)
    ]
    prefer = "odata.maxpagesize = 1000;odata.continue-on-error"
    status, answer = tenant.post(f"{tenant.base}/$batch", {"requests": requests}, prefer)
    assert status == 200 and all(part["status"] == 200 for part in answer["responses"]), answer


def entities(tenant: Tenant, mailboxes: int, one: str) -> None:
    """The optimized reads: all by their next links, one by its key, and several in a batch."""
    url = f"{tenant.base}/Mailbox?$select=Alias,ExternalDirectoryObjectId&$top=2500"
    seen = set()
    while url:
        status, page = tenant.get(url)
        assert status == 200, page
        seen |= {row["ExternalDirectoryObjectId"] for row in page["value"]}
        url = page.get("@odata.nextLink")
    assert len(seen) == min(mailboxes, 2500), len(seen)
    status, found = tenant.get(f"{tenant.base}/Mailbox('{one}')?$select=ExternalDirectoryObjectId")
    assert status == 200 and found["ExternalDirectoryObjectId"] == one, found
    assert tenant.get(f"{tenant.base}/Mailbox('nobody')")[0] == 404
    urls = [f"{tenant.base}/Mailbox('{one}')?$select=Alias", f"{tenant.base}/Recipient('nobody')"]
    parts = [{"id": str(place), "method": "GET", "url": url} for place, url in enumerate(urls)]
    status, answer = tenant.post(f"{tenant.base}/$batch", {"requests": parts})
    assert status == 200, answer
    assert [part["status"] for part in answer["responses"]] == [200, 404], answer


def main(ready_file: str, mailboxes: int, by_proxy: bool) -> None:
    with open(ready_file, encoding="utf-8") as file:
        ready = json.load(file)
    tenant = Tenant(ready, by_proxy)
    rows = everybody(tenant)
    assert len(rows) == mailboxes, len(rows)
    assert len({row["ExternalDirectoryObjectId"] for row in rows}) == mailboxes, "one came twice"
    recipients = everybody(tenant, "Get-Recipient")
    assert len(recipients) >= mailboxes, len(recipients)
    entities(tenant, mailboxes, rows[0]["ExternalDirectoryObjectId"])

    # Each way in has mailboxes of its own to flip.
    synced = [row["ExternalDirectoryObjectId"] for row in rows if row["IsDirSynced"]]
    flags = {row["ExternalDirectoryObjectId"]: row["IsExchangeCloudManaged"] for row in rows}
    pilot = [one for one in sorted(synced) if not flags[one]][:20]
    for place in range(0, len(pilot), 10):
        flip(tenant, pilot[place : place + 10])
    after = {row["ExternalDirectoryObjectId"]: row for row in everybody(tenant)}
    assert all(after[one]["IsExchangeCloudManaged"] for one in pilot)

    alias = f"alias-{sys.argv[3]}@{ready['domain']}"
    add = {"@odata.type": "#Exchange.GenericHashTable", "Add": [f"smtp:{alias}"]}
    edit = {"Identity": pilot[0], "EmailAddresses": add, "CustomAttribute7": "fleet"}
    status, answer = tenant.cmdlet("Set-Mailbox", **edit)
    assert status == 200 and answer["value"] == [] and answer["@adminapi.warnings"] == [], answer
    _, shown = tenant.cmdlet("Get-Mailbox", Identity=pilot[0])
    (shown,) = shown["value"]
    assert shown["CustomAttribute7"] == "fleet"
    assert f"smtp:{alias}" in shown["EmailAddresses"]

    untouched = [one for one in synced if not after[one]["IsExchangeCloudManaged"]]
    refusals(tenant, untouched[0], pilot, alias)


def refusals(tenant: Tenant, untouched: str, pilot: list[str], alias: str) -> None:
    ready = tenant.ready
    status, answer = tenant.cmdlet("Set-Mailbox", Identity=untouched, CustomAttribute1="x")
    assert status == 400 and "write scope" in answer["error"]["details"][0]["message"], answer
    taken = {"Identity": pilot[1], "EmailAddresses": {"Add": alias}}
    status, answer = tenant.cmdlet("Set-Mailbox", **taken)
    assert status == 400 and "already being used" in answer["error"]["details"][0]["message"], answer
    status, answer = tenant.cmdlet("Set-Mailbox", Identity=pilot[0], Nothing="x")
    assert status == 400 and "AmbiguousParameterSet" in answer["error"]["details"][0]["message"], answer
    assert tenant.cmdlet("Get-Nothing")[0] == 403
    assert tenant.cmdlet("Get-Mailbox", Identity="nobody@nowhere.example")[0] == 404
    helpdesk = ready["clients"]["helpdesk"]
    tenant.token = tenant.sign_in(helpdesk["id"], helpdesk["secret"])
    assert tenant.cmdlet("Set-Mailbox", Identity=pilot[0], IsExchangeCloudManaged=False)[0] == 403
    tenant.token = "nonsense"
    assert tenant.cmdlet("Get-Mailbox")[0] == 401


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "proxy")
    print(
        f"REST cmdlets ({sys.argv[3]}): {sys.argv[2]} mailboxes paged, entities read, flags flipped in batches,"
        " attributes edited, refusals"
    )
