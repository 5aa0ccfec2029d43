//! What `match[…]` finds.

use crate::backend::{Backend, backends};
use crate::sample::{hour, id, indicator, observable, old};
use crate::served::{PARTNER, Served, serve};

/// An indicator in three versions, another in one, an observable, an identity of STIX 2.0 in two versions.
async fn filled(backend: &Backend) -> (Served, String) {
    let served = serve(backend).await;
    let basket = served.basket("basket", &[(PARTNER, "rw")]).await;
    let objects = [
        indicator(1, 2),
        indicator(1, 1),
        indicator(2, 1),
        observable(3),
        old(4, 1),
        indicator(1, 3),
        old(4, 2),
    ];
    for object in objects {
        served.store(PARTNER, "basket", &[object]).await;
    }
    (served, basket)
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_their_combinations() {
    for backend in backends().await {
        let (served, basket) = filled(&backend).await;
        let rows = served
            .get("partner", &format!("{basket}manifest/?match[version]=all"))
            .await
            .objects();
        let observed = rows[3]["date_added"].as_str().unwrap();
        let check = async |query: &str, expected: &str| {
            let query = query
                .replace("I1", &id("indicator", 1))
                .replace("I2", &id("indicator", 2))
                .replace("D3", &id("domain-name", 3))
                .replace("HOUR1", &hour(1))
                .replace("HOUR2", &hour(2))
                .replace("OBSERVED", observed);
            for resource in ["objects", "manifest"] {
                let path = format!("{basket}{resource}/?{query}");
                let objects = served.get("partner", &path).await.objects();
                let found: Vec<_> = objects
                    .iter()
                    .map(|object| {
                        let id = object["id"].as_str().unwrap();
                        let time = object["modified"].as_str().or(object["version"].as_str());
                        let number: u128 = id[id.len() - 12..].parse().unwrap();
                        let hour = time.filter(|time| time.starts_with("2026-01-01T0"));
                        let hour = hour.map_or("", |time| &time[12..13]);
                        format!(
                            "{}{number}{}{hour}",
                            &id[..1],
                            if hour.is_empty() { "" } else { "." }
                        )
                    })
                    .collect();
                assert_eq!(found.join(" "), expected, "{} {path}", backend.name);
            }
        };
        let last = "i2.1 d3 i1.3 i4.2";
        check("", last).await;
        check("match[version]=last", last).await;
        check("match[version]=first", "i1.1 i2.1 d3 i4.1").await;
        check("match[version]=all", "i1.2 i1.1 i2.1 d3 i4.1 i1.3 i4.2").await;
        check("match[version]=HOUR1", "i1.1 i2.1 i4.1").await;
        check("match[version]=HOUR2,first", "i1.2 i1.1 i2.1 d3 i4.1 i4.2").await;
        check("match[version]=first,last", "i1.1 i2.1 d3 i4.1 i1.3 i4.2").await;
        check("match[version]=2026-01-01T02:00:00%2B01:00", "i1.1 i2.1 i4.1").await;
        check("match[version]=2026-01-01T01:00:00.000001Z", "").await;
        check("match[version]=OBSERVED", "d3").await;
        check("match[type]=indicator", "i2.1 i1.3").await;
        check("match[type]=identity,domain-name", "d3 i4.2").await;
        check("match[type]=malware", "").await;
        check("match[id]=I1", "i1.3").await;
        check("match[id]=I1,D3,indicator--none", "d3 i1.3").await;
        check("match[id]=I1&match[version]=all", "i1.2 i1.1 i1.3").await;
        check("match[id]=I1&match[type]=identity", "").await;
        check(
            "match[id]=I1,I2&match[version]=HOUR1&match[type]=indicator",
            "i1.1 i2.1",
        )
        .await;
        check("match[spec_version]=2.0", "i4.2").await;
        check("match[spec_version]=2.1", "i2.1 d3 i1.3").await;
        check("match[spec_version]=2.0,2.1&match[type]=identity", "i4.2").await;
        check("match[spec_version]=3.0", "").await;
        check("match[spec_version]=2.0&match[version]=all", "i4.1 i4.2").await;
        check("match%5Btype%5D=identity&unknown=1", "i4.2").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_by_its_id() {
    for backend in backends().await {
        let (served, basket) = filled(&backend).await;
        let check = async |object: &str, query: &str, status: u16, expected: &[u8]| {
            let path = format!("{basket}objects/{object}/?{query}");
            let answer = served.get("partner", &path).await;
            assert_eq!(answer.status, status, "{path}");
            if status == 200 {
                let found: Vec<_> = answer
                    .objects()
                    .iter()
                    .map(|one| one["modified"].clone())
                    .collect();
                let expected: Vec<_> = expected.iter().map(|version| hour(*version)).collect();
                assert_eq!(found, expected, "{path}");
            }
        };
        let one = &id("indicator", 1);
        check(one, "", 200, &[3]).await;
        check(one, "match[version]=all", 200, &[2, 1, 3]).await;
        check(one, &format!("match[version]={}", hour(1)), 200, &[1]).await;
        check(one, "match[version]=first", 200, &[1]).await;
        // It is there, but no such version of it.
        check(one, &format!("match[version]={}", hour(9)), 200, &[]).await;
        check(one, "match[spec_version]=2.0", 200, &[]).await;
        check(one, "added_after=2100-01-01T00:00:00Z", 200, &[]).await;
        check(&id("indicator", 99), "", 404, &[]).await;
        check(&id("indicator", 99), "match[version]=all", 404, &[]).await;
        for wrong in [
            "match[id]=a",
            "match[type]=indicator",
            "match[name]=a",
            "limit=0",
            "limit=x",
            "match[version]=new",
        ] {
            check(one, wrong, 400, &[]).await;
        }
        check(&format!("{one}/versions"), "match[version]=all", 400, &[]).await;
        check(&format!("{one}/versions"), "match[type]=indicator", 400, &[]).await;
        let versions = format!("{basket}objects/{one}/versions/?match[spec_version]=2.0");
        assert_eq!(served.get("partner", &versions).await.body, b"{}");
        for resource in ["objects", "manifest"] {
            for wrong in [
                "limit=-1",
                "limit=0",
                "limit=1.0",
                "added_after=1",
                "match[x]=1",
                "limit=1&limit=2",
            ] {
                let path = format!("{basket}{resource}/?{wrong}");
                assert_eq!(served.get("partner", &path).await.status, 400, "{path}");
            }
        }
    }
}
