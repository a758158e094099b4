use super::*;
use std::time::Instant;
fn rss() -> u64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.lines()
        .find(|l| l.starts_with("VmRSS"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
fn build(n: u32, rich: bool, dcs: u32) -> (Forest, Vec<ObjectNumber>) {
    let mut forest = empty_forest(Schema::base().with_exchange());
    let head = forest.domains()[0].head;
    let domain = DomainNumber(0);
    let mut mint = minter();
    let unit = forest.load_container(domain, head, "organizationalUnit", "People", mint(), now());
    for i in 1..dcs {
        forest.add_dc(domain, dc_spec(&format!("DC0{i}")));
    }
    let class = forest.schema().class_named("user").unwrap().number;
    let r0 = rss();
    let t = Instant::now();
    forest.reserve(domain, n as usize);
    let mut objects = Vec::with_capacity(n as usize);
    let mut gen_ = std::time::Duration::ZERO;
    for i in 0..n {
        let g = Instant::now();
        let cn = format!("Firstname Lastname {i}");
        let sam = format!("flast{i}");
        let upn = format!("{sam}@contoso.com");
        let p1 = format!("SMTP:firstname.lastname{i}@contoso.com");
        let p2 = format!("smtp:flast{i}@contoso.mail.onmicrosoft.com");
        let p3 = format!(
            "X500:/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn={i:032x}"
        );
        let sid = forest.domains()[0].sid.with_rid(1000 + i);
        let gd = guid(i);
        let ext = format!("User_{i:032x}");
        let attrs: Vec<String> = (0..30).map(|k| format!("value {k} of {i}")).collect();
        let mut v: Vec<(u16, Vec<&[u8]>)> = vec![
            (known::CN, vec![cn.as_bytes()]),
            (known::SAM_ACCOUNT_NAME, vec![sam.as_bytes()]),
            (known::USER_PRINCIPAL_NAME, vec![upn.as_bytes()]),
            (known::MAIL, vec![p1[5..].as_bytes()]),
            (
                known::PROXY_ADDRESSES,
                if rich {
                    vec![p1.as_bytes(), p2.as_bytes(), p3.as_bytes()]
                } else {
                    vec![p1.as_bytes(), p2.as_bytes()]
                },
            ),
            (known::MS_DS_CONSISTENCY_GUID, vec![&gd.0]),
            (known::MS_DS_EXTERNAL_DIRECTORY_OBJECT_ID, vec![ext.as_bytes()]),
            (known::OBJECT_SID, vec![sid.as_bytes()]),
            (known::DISPLAY_NAME, vec![cn.as_bytes()]),
            (known::GIVEN_NAME, vec![b"Firstname"]),
            (known::SN, vec![b"Lastname"]),
        ];
        if rich {
            for k in 0..30u16 {
                v.push((known::EXTENSION_ATTRIBUTE_1 + k, vec![attrs[k as usize].as_bytes()]));
            }
        }
        let record = Record::from_sorted(v);
        gen_ += g.elapsed();
        objects.push(forest.load(domain, unit, class, gd, record, now()));
    }
    let st = Instant::now();
    forest.settle();
    println!("settle {:?}", st.elapsed());
    let el = t.elapsed();
    println!(
        "rich={rich} dcs={dcs} n={n}: {el:?} (gen {gen_:?}) load {:.0}/s, {} B/user, record {} B",
        f64::from(n) / (el - gen_).as_secs_f64(),
        (rss() - r0) / u64::from(n),
        forest.object(DC, objects[5]).unwrap().entry.record.size()
    );
    (forest, objects)
}
#[test]
#[ignore]
fn speed() {
    let n = 600_000;
    {
        build(n, false, 1);
    }
    {
        build(n, true, 1);
    }
    {
        build(n, true, 3);
    }
    let (mut forest, objects) = build(n, true, 1);
    let p = Principal::system();
    let writer = Writer { dc: DC, principal: &p, now: now(), permissive: false };
    let reqs: Vec<ModifyRequest> = objects
        .iter()
        .enumerate()
        .map(|(i, _)| ModifyRequest {
            object: Name::Guid(guid(i as u32)),
            changes: vec![
                replace("extensionAttribute1", &["new"]),
                replace("msExchExtensionCustomAttribute2", &["a", "b"]),
            ],
        })
        .collect();
    let r0 = rss();
    let t = Instant::now();
    for r in &reqs {
        forest.modify(&writer, r).unwrap();
    }
    println!(
        "modify 2 attrs {:.0}/s, +{} B/user",
        f64::from(n) / t.elapsed().as_secs_f64(),
        (rss() - r0) / u64::from(n)
    );
    let reqs: Vec<ModifyRequest> = objects
        .iter()
        .enumerate()
        .map(|(i, o)| ModifyRequest {
            object: Name::Number(*o),
            changes: vec![Change {
                operation: ChangeOperation::Replace,
                attribute: known::PROXY_ADDRESSES.into(),
                values: vec![
                    format!("SMTP:new{i}@contoso.com").into_bytes(),
                    format!("smtp:old{i}@contoso.com").into_bytes(),
                ],
            }],
        })
        .collect();
    let t = Instant::now();
    for r in &reqs {
        forest.modify(&writer, r).unwrap();
    }
    println!("modify proxies by number {:.0}/s", f64::from(n) / t.elapsed().as_secs_f64());
    let t = Instant::now();
    let mut total = 0;
    for chunk in (0..n).collect::<Vec<_>>().chunks(100) {
        let or = Filter::Or(
            chunk
                .iter()
                .map(|i| {
                    Filter::Equality("objectGUID".into(), guid(i.wrapping_mul(7919) % n).0.to_vec())
                })
                .collect(),
        );
        let f = Filter::And(vec![equal("objectCategory", "person"), or]);
        total += found(&forest, f).len();
    }
    println!("or-100 lookups {:.0}/s ({total})", f64::from(n) / t.elapsed().as_secs_f64());
    let t = Instant::now();
    let request = SearchRequest {
        selection: ["objectGUID", "sAMAccountName", "mail", "cn", "userPrincipalName"]
            .map(AttributeName::from)
            .to_vec(),
        ..search_for(equal("objectClass", "user"))
    };
    let mut cookie = Vec::new();
    let mut count = 0;
    loop {
        let controls = vec![crate::directory::request::Control {
            critical: true,
            value: crate::directory::request::ControlValue::PagedResults { size: 1000, cookie },
        }];
        let r = forest.search(DC, &p, now(), &request, &controls);
        count += r.entries.len();
        match &r.controls[0].value {
            crate::directory::request::ControlValue::PagedResults { cookie: c, .. }
                if !c.is_empty() =>
            {
                cookie = c.clone()
            }
            _ => break,
        }
    }
    println!(
        "paged walk render {:.0}/s ({count})",
        f64::from(count as u32) / t.elapsed().as_secs_f64()
    );
}
#[test]
#[ignore]
fn only_modify() {
    let n = 300_000;
    let (mut forest, objects) = build(n, true, 1);
    let p = Principal::system();
    let writer = Writer { dc: DC, principal: &p, now: now(), permissive: false };
    let reqs: Vec<ModifyRequest> = objects
        .iter()
        .enumerate()
        .map(|(i, _)| ModifyRequest {
            object: Name::Guid(guid(i as u32)),
            changes: vec![
                replace("extensionAttribute1", &["new"]),
                replace("msExchExtensionCustomAttribute2", &["a", "b"]),
            ],
        })
        .collect();
    let reqs2: Vec<ModifyRequest> = objects
        .iter()
        .enumerate()
        .map(|(i, _)| ModifyRequest {
            object: Name::Guid(guid(i as u32)),
            changes: vec![
                replace("extensionAttribute1", &["neu"]),
                replace("msExchExtensionCustomAttribute2", &["c", "b"]),
            ],
        })
        .collect();
    for _ in 0..6 {
        let t = Instant::now();
        for r in &reqs {
            forest.modify(&writer, r).unwrap();
        }
        println!("modify 2 attrs {:.0}/s", f64::from(n) / t.elapsed().as_secs_f64());
        let t = Instant::now();
        for r in &reqs2 {
            forest.modify(&writer, r).unwrap();
        }
        println!("modify 2 attrs {:.0}/s", f64::from(n) / t.elapsed().as_secs_f64());
    }
}
