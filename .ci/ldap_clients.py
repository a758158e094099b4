"""What Python's LDAP clients do with `hybridsim serve`; started by `ldap-clients`.

    python3 ldap_clients.py ldap3|python-ldap READY_FILE
"""

import json
import ssl
import sys


def use_ldap3(ready):
    """Schema, paging, DirSync, a password over TLS, a bind with it."""
    import ldap3

    domain = ready["bind_upn"].split("@")[1]
    server = ldap3.Server(ready["ldap"], get_info=ldap3.ALL)
    admin = ldap3.Connection(server, ready["bind_upn"], ready["bind_password"], auto_bind=True)
    assert "extensionAttribute1" in server.schema.attribute_types
    assert "user" in server.schema.object_classes
    base = ready["base_dn"]
    found = admin.extend.standard.paged_search(
        base, "(mail=*)", ldap3.SUBTREE, attributes=["*"], paged_size=7, generator=True
    )
    people = [entry for entry in found if entry["type"] == "searchResEntry"]
    assert len(people) == 40, len(people)

    changes = admin.extend.microsoft.dir_sync(base, attributes=["extensionAttribute1"])
    while True:
        changes.loop()
        if not changes.more_results:
            break
    dn = ready["users"][0]["dn"]
    assert admin.modify(dn, {"extensionAttribute1": [(ldap3.MODIFY_REPLACE, ["x"])]})
    entries = [entry for entry in changes.loop() if entry["type"] == "searchResEntry"]
    assert len(entries) == 1 and dn in entries[0]["dn"], entries
    assert entries[0]["attributes"]["extensionAttribute1"] == "x", entries

    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ready["ca_file"])
    secure = ldap3.Server(ready["ldaps"], use_ssl=True, tls=tls)
    admin = ldap3.Connection(secure, ready["bind_dn"], ready["bind_password"], auto_bind=True)
    new = f"CN=new,CN=Users,{base}"
    attributes = {"sAMAccountName": "new", "userPrincipalName": f"new@{domain}"}
    assert admin.add(new, "user", attributes), admin.result
    assert admin.extend.microsoft.modify_password(new, "N3w!Passw0rd"), admin.result
    assert admin.modify(new, {"userAccountControl": [(ldap3.MODIFY_REPLACE, ["512"])]})
    person = ldap3.Connection(server, f"new@{domain}", "N3w!Passw0rd")
    assert person.bind(), person.result
    assert not person.modify(dn, {"title": [(ldap3.MODIFY_REPLACE, ["boss"])]})
    assert person.result["result"] == 50, person.result


def use_python_ldap(ready):
    """A paged walk, and who one is."""
    import ldap
    from ldap.controls import SimplePagedResultsControl

    connection = ldap.initialize(ready["ldap"])
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.simple_bind_s(ready["bind_dn"], ready["bind_password"])
    assert connection.whoami_s() == "u:CORP\\Administrator"
    control = SimplePagedResultsControl(True, 9, "")
    found = 0
    while True:
        message = connection.search_ext(
            ready["base_dn"], ldap.SCOPE_SUBTREE, "(mail=*)", ["cn"], serverctrls=[control]
        )
        _, entries, _, controls = connection.result3(message)
        found += sum(1 for dn, _ in entries if dn)
        control.cookie = controls[0].cookie
        if not control.cookie:
            break
    assert found == 40, found


with open(sys.argv[2], encoding="utf-8") as file:
    {"ldap3": use_ldap3, "python-ldap": use_python_ldap}[sys.argv[1]](json.load(file))
