//! The sequence of requests against a running server, with the steps between the rows that no row
//! shows: passwords, states of an account, changes between two DirSync reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::Value;
use sim::wire::ldap::ber::{BOOLEAN, ENUMERATED, INTEGER, OCTETS, Reader, SET};

use super::client::{Answer, Client, Control, Operation, element, number, octets, sequence};
use super::controls::{self, DIRSYNC, DIRSYNC_EX, PAGED};
use super::filter;
use super::rows::{self, Row};

/// The password of the fixture's users.
pub(crate) const PASSWORD: &str = "Us3r!Passw0rd";

/// Where the server is, and as whom to bind.
pub(crate) struct Target {
    pub(crate) ldap: String,
    pub(crate) ldaps: String,
    pub(crate) base: String,
    pub(crate) realm: String,
    pub(crate) netbios: String,
    pub(crate) admin: String,
    pub(crate) password: String,
    pub(crate) tls: Arc<ClientConfig>,
}

/// A replay in progress.
pub(crate) struct Replay {
    pub(crate) target: Target,
    pub(crate) admin: Client,
    user: Option<Client>,
    /// objectGUID and objectSid by name, once asked for.
    ids: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
    /// The cookies of the last paged search, and of the DirSync reads.
    cookie: Vec<u8>,
    before: Vec<u8>,
    latest: Vec<u8>,
    first: Vec<u8>,
}

impl Replay {
    pub(crate) fn new(target: Target) -> Self {
        let mut admin = Client::connect(&target.ldap);
        let bound = admin.call(&bind(3, &target.admin, target.password.as_bytes()), &[]);
        assert_eq!(bound.code, 0, "the administrator binds: {}", bound.diagnostic);
        Self {
            target,
            admin,
            user: None,
            ids: BTreeMap::new(),
            cookie: Vec::new(),
            before: Vec::new(),
            latest: Vec::new(),
            first: Vec::new(),
        }
    }

    /// Plays a row, and what comes before it.
    pub(crate) fn play(&mut self, row: &Row) -> Answer {
        self.prepare(&row.name);
        match row.request["op"].as_str().expect("an operation") {
            "raw" => self.raw(&row.request),
            "flow" | "search x9" => super::flows::play(self, row),
            _ if row.group == "large" => super::large::play(self, row),
            _ if row.group == "notification" => super::flows::play(self, row),
            _ if row.name.starts_with("paged-cookie-other")
                || row.name == "paged-abandon-size0" =>
            {
                super::flows::play(self, row)
            }
            _ => {
                let (operation, controls) = self.request(row);
                let answer = match row.session.as_str() {
                    "admin" => self.admin.call(&operation, &controls),
                    "user" => self.user().call(&operation, &controls),
                    _ => Client::connect(&self.target.ldap).call(&operation, &controls),
                };
                if answer.closed && row.session == "admin" {
                    self.admin = Self::bound(&self.target);
                }
                self.remember(&answer);
                answer
            }
        }
    }

    fn bound(target: &Target) -> Client {
        let mut admin = Client::connect(&target.ldap);
        admin.call(&bind(3, &target.admin, target.password.as_bytes()), &[]);
        admin
    }

    pub(crate) fn user(&mut self) -> &mut Client {
        let name = format!("u1@{}", self.target.realm);
        let address = &self.target.ldap;
        self.user.get_or_insert_with(|| {
            let mut user = Client::connect(address);
            let bound = user.call(&bind(3, &name, PASSWORD.as_bytes()), &[]);
            assert_eq!(bound.code, 0, "the user binds: {}", bound.diagnostic);
            user
        })
    }

    fn remember(&mut self, answer: &Answer) {
        for (oid, value) in &answer.controls {
            let mut outer = Reader::new(value);
            let Ok(inner) = outer.expect(sim::wire::ldap::ber::SEQUENCE) else { continue };
            let mut reader = Reader::new(inner);
            if oid == PAGED {
                reader.number(INTEGER).expect("a size");
                self.cookie = reader.expect(OCTETS).expect("a cookie").to_vec();
            } else if oid == DIRSYNC || oid == DIRSYNC_EX {
                reader.number(INTEGER).expect("more");
                reader.number(INTEGER).expect("a length");
                self.latest = reader.expect(OCTETS).expect("a cookie").to_vec();
                if self.first.is_empty() {
                    self.first.clone_from(&self.latest);
                    self.before.clone_from(&self.latest);
                }
            }
        }
    }

    pub(crate) fn ou(&self) -> String {
        format!("OU=corpus,{}", self.target.base)
    }

    /// What stands for names in a row, put in.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut text = text
            .replace("${OU}", &self.ou())
            .replace("${BASE}", &self.target.base)
            .replace("${REALM}", &self.target.realm)
            .replace("${NB}", &self.target.netbios);
        while let Some(at) = text.find("${") {
            let end = at + text[at..].find('}').expect("closed");
            let (kind, name) = text[at + 2..end].split_once(':').expect("a kind and a name");
            let (guid, sid) = self.id(name);
            let escaped = |bytes: &[u8]| bytes.iter().map(|b| format!("\\{b:02x}")).collect();
            let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let with: String = match kind {
                "GUID" => dashed(&guid),
                "GUIDHEX" => hex(&guid),
                "GUIDESC" => escaped(&guid),
                "SID" => sid_text(&sid),
                "SIDHEX" => hex(&sid),
                "SIDESC" => escaped(&sid),
                other => panic!("{other}"),
            };
            text.replace_range(at..=end, &with);
        }
        text
    }

    fn id(&mut self, name: &str) -> (Vec<u8>, Vec<u8>) {
        if let Some(known) = self.ids.get(name) {
            return known.clone();
        }
        let dn = match name {
            "base" => self.target.base.clone(),
            _ => format!("CN={name},{}", self.ou()),
        };
        let selection = ["objectGUID", "objectSid"];
        let found = self.admin.call(&search(&dn, 0, "(objectClass=*)", &selection, 0, 0), &[]);
        assert_eq!(found.code, 0, "{dn}: {}", found.diagnostic);
        let value = |name: &str| {
            let mut all = found.entries[0].attributes.iter();
            all.find(|(known, _)| known == name).map_or(Vec::new(), |(_, v)| v[0].clone())
        };
        let ids = (value("objectGUID"), value("objectSid"));
        self.ids.insert(name.to_owned(), ids.clone());
        ids
    }

    fn raw(&mut self, request: &Value) -> Answer {
        let mut bytes = rows::unhex(request["hex"].as_str().expect("hex"));
        // A row keeps the beginning of a long message.
        if bytes.len() > 4 && bytes.starts_with(&[0x30, 0x83]) {
            bytes.resize(300_000, b'x');
        }
        let mut client = Client::connect(&self.target.ldap);
        client.patience(std::time::Duration::from_secs(3));
        client.send(&bytes);
        let id = i64::from(bytes.get(4) == Some(&1) || bytes.get(9) == Some(&1));
        let id = if bytes.starts_with(&[0x30, 0x2d]) { i64::from(i32::MAX) } else { id };
        let mut answer = client.gather(id);
        answer.entries.clear();
        answer
    }

    fn request(&mut self, row: &Row) -> (Operation, Vec<Control>) {
        let request = &row.request;
        let operation = self.operation(row, request);
        let mut list = request["controls"].as_array().cloned().unwrap_or_default();
        if row.name.starts_with("paged-sorted") {
            list.push(serde_json::json!({
                "control": "sort", "oid": controls::SORT, "critical": true, "value": [["cn", true]]
            }));
        }
        if row.name == "dirsync-extdn" {
            list.push(serde_json::json!({
                "control": "ext_dn", "oid": controls::EXTENDED_DN, "critical": true, "value": 1
            }));
        }
        let cookies = controls::Cookies {
            paged: self.paged_cookie(&row.name),
            dirsync: self.dirsync_cookie(&row.name),
        };
        let controls = list
            .iter()
            .map(|control| controls::encoded(control, &cookies, &mut |text| self.text(text)))
            .collect();
        (operation, controls)
    }

    fn paged_cookie(&mut self, name: &str) -> Vec<u8> {
        let mut cookie = self.cookie.clone();
        if name == "paged-bad-cookie-page2"
            && let Some(last) = cookie.last_mut()
        {
            *last ^= 0xff;
        }
        cookie
    }

    fn dirsync_cookie(&self, name: &str) -> Vec<u8> {
        match name {
            "dirsync-extdn" => self.first.clone(),
            _ => self.before.clone(),
        }
    }

    fn operation(&mut self, row: &Row, request: &Value) -> Operation {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let dn = self.text(&text(&request["dn"]));
        match request["op"].as_str().expect("an operation") {
            "search" => self.search(row, request),
            "add" => {
                let list = request["attrs"].as_array().expect("attributes");
                let list: Vec<Vec<u8>> =
                    list.iter().map(|at| self.attribute(&at[0], &at[1])).collect();
                let content = [octets(OCTETS, dn.as_bytes()), sequence(&list)].concat();
                Operation { tag: 0x68, content }
            }
            "modify" => self.modification(row, request, dn),
            "delete" => Operation { tag: 0x4a, content: dn.into_bytes() },
            "modifyDN" => {
                let rdn = rows::one(&request["newRDN"], &mut |text| self.text(text));
                let delete = request["deleteOldRDN"].as_bool().unwrap_or(true);
                let mut content = octets(OCTETS, dn.as_bytes());
                content.extend(octets(OCTETS, &rdn));
                content.extend([BOOLEAN, 1, if delete { 0xff } else { 0 }]);
                if let Some(superior) = request["newSuperior"].as_str() {
                    content.extend(octets(0x80, self.text(superior).as_bytes()));
                }
                Operation { tag: 0x6c, content }
            }
            "compare" => {
                let attribute = octets(OCTETS, text(&request["attr"]).as_bytes());
                let value = octets(OCTETS, self.text(&text(&request["value"])).as_bytes());
                let content =
                    [octets(OCTETS, dn.as_bytes()), sequence(&[attribute, value])].concat();
                Operation { tag: 0x6e, content }
            }
            "bind" => {
                let version = request["version"].as_i64().unwrap_or(3);
                bind(version, &dn, self.text(&text(&request["password"])).as_bytes())
            }
            "saslBind" => {
                let mut parts = vec![octets(OCTETS, text(&request["mechanism"]).as_bytes())];
                if !request["credentials"].is_null() {
                    let credentials = rows::one(&request["credentials"], &mut str::to_owned);
                    parts.push(octets(OCTETS, &credentials));
                }
                let parts = [number(INTEGER, 3), octets(OCTETS, b""), element(0xa3, &parts)];
                Operation { tag: 0x60, content: parts.concat() }
            }
            "extended" => {
                let mut content = octets(0x80, text(&request["oid"]).as_bytes());
                if !request["value"].is_null() {
                    let value = rows::one(&request["value"], &mut str::to_owned);
                    content.extend(octets(0x81, &value));
                }
                Operation { tag: 0x77, content }
            }
            other => panic!("{other}"),
        }
    }

    fn modification(&mut self, row: &Row, request: &Value, dn: String) -> Operation {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = request["changes"].as_array().expect("changes");
        let list: Vec<Vec<u8>> = list
            .iter()
            .map(|change| {
                let kinds = ["add", "delete", "replace", "increment"];
                let kind = text(&change[0]);
                let kind = kinds.iter().position(|known| *known == kind).expect("a kind");
                let kind = i64::try_from(kind).expect("a number");
                sequence(&[number(ENUMERATED, kind), self.attribute(&change[1], &change[2])])
            })
            .collect();
        let dn = match row.name.as_str() {
            "undelete-by-dn" => format!(
                "CN=td\\0ADEL:{},CN=Deleted Objects,{}",
                dashed(&self.id("td").0),
                self.target.base
            ),
            _ => dn,
        };
        let content = [octets(OCTETS, dn.as_bytes()), sequence(&list)].concat();
        Operation { tag: 0x66, content }
    }

    fn search(&mut self, row: &Row, request: &Value) -> Operation {
        let base = self.text(request["base"].as_str().unwrap_or("${BASE}"));
        let base = base.replace("DC=example,DC=test", &self.target.base);
        let scope = request["scope"].as_i64().unwrap_or(2);
        let selection: Vec<String> = request["attrs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect();
        let mut selection: Vec<&str> = selection.iter().map(String::as_str).collect();
        if row.name == "filter-depth-100" {
            selection = vec!["cn"];
        }
        let size = request["size"].as_i64().or(request["sizeLimit"].as_i64()).unwrap_or(0);
        let time = request["time"].as_i64().unwrap_or(0);
        let filter = match (row.name.as_str(), request["filterBER_b64"].as_str()) {
            ("filter-depth-600", _) => {
                let (open, close) = ("(!".repeat(600), ")".repeat(600));
                filter::encoded(&format!("{open}(cn=u1){close}"))
            }
            (_, Some(encoded)) => {
                rows::one(&serde_json::json!({ "b64": encoded }), &mut str::to_owned)
            }
            // The row keeps another nesting than its name says.
            _ => {
                let text = request["filter"].as_str().unwrap_or("(objectClass=*)");
                filter::encoded(&self.text(text))
            }
        };
        let types = request["typesOnly"].as_bool().unwrap_or(false);
        search_with(&base, scope, filter, &selection, (size, time, types))
    }

    fn attribute(&mut self, name: &Value, list: &Value) -> Vec<u8> {
        let list = rows::values(list, &mut |text| self.text(text));
        attribute(name.as_str().expect("a name"), &list)
    }

    /// A modification by the administrator, of whose success the next rows depend.
    pub(crate) fn must(&mut self, dn: &str, changes: &[(i64, &str, &[&[u8]])]) {
        let answer = self.admin.call(&modify(dn, changes), &[]);
        assert_eq!(answer.code, 0, "{dn}: {}", answer.diagnostic);
    }

    fn prepare(&mut self, name: &str) {
        let user = |name: &str, replay: &Self| format!("CN={name},{}", replay.ou());
        let u3 = user("u3", self);
        let logon: &[u8] = &[0; 21];
        match name {
            "bind-dn-ok" => self.set_passwords(),
            "bind-disabled-account" => self.must(&u3, &[(2, "userAccountControl", &[b"514"])]),
            "bind-expired-account" => self
                .must(&u3, &[(2, "userAccountControl", &[b"512"]), (2, "accountExpires", &[b"1"])]),
            "bind-must-change-password" => {
                self.must(&u3, &[(2, "accountExpires", &[b"0"]), (2, "pwdLastSet", &[b"0"])]);
            }
            "bind-after-pwdlastset-minus1" => self.must(&u3, &[(2, "pwdLastSet", &[b"-1"])]),
            "bind-logon-hours-denied" => self.must(&u3, &[(2, "logonHours", &[logon])]),
            "bind-workstation-denied" => {
                self.must(&u3, &[(2, "logonHours", &[]), (2, "userWorkstations", &[b"ELSEWHERE"])]);
            }
            "sasl-unknown-mechanism" => self.must(&u3, &[(2, "userWorkstations", &[])]),
            "del-ok" => drop(self.id("td")),
            _ if name.starts_with("dirsync") => self.prepare_dirsync(name),
            _ => {}
        }
    }

    /// What changed between two DirSync reads. `before` is the cookie that does not know of it yet.
    fn prepare_dirsync(&mut self, name: &str) {
        let ou = self.ou();
        let dn = |name: &str| format!("CN={name},{ou}");
        let (u1, g1, u3) = (dn("u1"), dn("g1"), dn("u3"));
        match name {
            "dirsync-initial-user-filter" => self.first.clear(),
            "dirsync-after-proxy-add" => {
                self.must(&u1, &[(0, "proxyAddresses", &[b"smtp:ds1@x"])]);
            }
            "dirsync-member-full" => {
                self.before.clone_from(&self.latest);
                self.must(&g1, &[(0, "member", &[u3.as_bytes()])]);
            }
            "dirsync-member-incremental-removed" => {
                self.before.clone_from(&self.latest);
                self.must(&g1, &[(1, "member", &[u3.as_bytes()])]);
            }
            "dirsync-attr-deleted" => {
                self.before.clone_from(&self.latest);
                self.must(&u1, &[(2, "info", &[])]);
            }
            "dirsync-object-deleted" => {
                self.before.clone_from(&self.latest);
                let content = [
                    octets(OCTETS, dn("dsx").as_bytes()),
                    sequence(&[attribute("objectClass", &[b"contact".to_vec()])]),
                ];
                let add = Operation { tag: 0x68, content: content.concat() };
                assert_eq!(self.admin.call(&add, &[]).code, 0);
                let delete = Operation { tag: 0x4a, content: dn("dsx").into_bytes() };
                assert_eq!(self.admin.call(&delete, &[]).code, 0);
            }
            "dirsync-rename" => {
                self.before.clone_from(&self.latest);
                self.rename(&u3, "CN=u3n");
            }
            "dirsync-ancestors-first" => {
                self.rename(&dn("u3n"), "CN=u3");
                self.before.clone_from(&self.latest);
            }
            "dirsync-extdn" => self.must(&u1, &[(1, "proxyAddresses", &[b"smtp:ds1@x"])]),
            "dirsync-non-nc-base" | "dirsync-ex" => self.before.clone_from(&self.latest),
            _ => {}
        }
    }

    fn rename(&mut self, dn: &str, rdn: &str) {
        let content =
            [octets(OCTETS, dn.as_bytes()), octets(OCTETS, rdn.as_bytes()), vec![BOOLEAN, 1, 0xff]];
        let answer = self.admin.call(&Operation { tag: 0x6c, content: content.concat() }, &[]);
        assert_eq!(answer.code, 0, "{dn}: {}", answer.diagnostic);
    }

    /// Passwords go over TLS.
    fn set_passwords(&mut self) {
        let mut client = Client::connect_tls(&self.target.ldaps, &self.target.tls);
        client.call(&bind(3, &self.target.admin, self.target.password.as_bytes()), &[]);
        let quoted: Vec<u8> =
            format!("\"{PASSWORD}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
        for name in ["u1", "u2", "u3"] {
            let dn = format!("CN={name},{}", self.ou());
            let changes: [(i64, &str, &[&[u8]]); 2] =
                [(2, "unicodePwd", &[&quoted]), (2, "userAccountControl", &[b"512"])];
            for change in changes {
                let answer = client.call(&modify(&dn, &[change]), &[]);
                assert_eq!(answer.code, 0, "{dn}: {}", answer.diagnostic);
            }
        }
    }
}

/// A simple bind.
pub(crate) fn bind(version: i64, name: &str, password: &[u8]) -> Operation {
    let parts = [number(INTEGER, version), octets(OCTETS, name.as_bytes()), octets(0x80, password)];
    Operation { tag: 0x60, content: parts.concat() }
}

/// A modification: 0 adds, 1 deletes, 2 replaces.
pub(crate) fn modify(dn: &str, changes: &[(i64, &str, &[&[u8]])]) -> Operation {
    let list: Vec<Vec<u8>> = changes
        .iter()
        .map(|(kind, name, values)| {
            let values: Vec<Vec<u8>> = values.iter().map(|value| value.to_vec()).collect();
            sequence(&[number(ENUMERATED, *kind), attribute(name, &values)])
        })
        .collect();
    Operation { tag: 0x66, content: [octets(OCTETS, dn.as_bytes()), sequence(&list)].concat() }
}

/// An attribute with its values.
pub(crate) fn attribute(name: &str, values: &[Vec<u8>]) -> Vec<u8> {
    let values: Vec<Vec<u8>> = values.iter().map(|value| octets(OCTETS, value)).collect();
    sequence(&[octets(OCTETS, name.as_bytes()), element(SET, &values)])
}

/// A search.
pub(crate) fn search(
    base: &str,
    scope: i64,
    filter: &str,
    selection: &[&str],
    size: i64,
    time: i64,
) -> Operation {
    search_with(base, scope, filter::encoded(filter), selection, (size, time, false))
}

fn search_with(
    base: &str,
    scope: i64,
    filter: Vec<u8>,
    selection: &[&str],
    (size, time, types): (i64, i64, bool),
) -> Operation {
    let selection: Vec<Vec<u8>> =
        selection.iter().map(|name| octets(OCTETS, name.as_bytes())).collect();
    let parts = [
        octets(OCTETS, base.as_bytes()),
        number(ENUMERATED, scope),
        number(ENUMERATED, 0),
        number(INTEGER, size),
        number(INTEGER, time),
        vec![BOOLEAN, 1, if types { 0xff } else { 0 }],
        filter,
        sequence(&selection),
    ];
    Operation { tag: 0x63, content: parts.concat() }
}

/// A GUID as people write it.
pub(crate) fn dashed(guid: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let hex: String = order.iter().map(|at| format!("{:02x}", guid[*at])).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn sid_text(sid: &[u8]) -> String {
    sim::directory::name::Sid::from_bytes(sid).expect("a SID").to_string()
}
