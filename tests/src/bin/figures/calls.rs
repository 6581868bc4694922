//! What a change costs: round trips to Graph and calls of Identity Center, as the sandbox counts them.

use crate::figure::{Bound, Figure};
use crate::world::World;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// A small group, and one whose members Graph shows on many pages.
const SIZES: [usize; 2] = [5, 10_000];

/// Everything this measures, in the order in which it is printed.
pub fn names() -> Vec<String> {
    let of_memberships = SIZES.iter().flat_map(|size| {
        ["leave", "join-again", "join-newcomer"].map(|change| format!("calls-{change}-group-of-{size}"))
    });
    let changes =
        of_memberships.chain(["calls-unmirrored-attribute".to_owned(), "calls-stranger".to_owned()]);
    changes.flat_map(|change| [format!("{change}-graph"), format!("{change}-identity-center")]).collect()
}

/// Measures each change alone, before its re-check a minute later.
///
/// # Errors
/// When a change does not lead to exactly the writes that it calls for: then its calls say nothing.
pub async fn measure(wanted: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for size in SIZES {
        let small = size == SIZES[0];
        let of_this_size = |name: &String| {
            wanted(name)
                && (name.contains(&format!("group-of-{size}-")) || small && !name.contains("group-of"))
        };
        if names().iter().any(of_this_size) {
            let world = World::start(&seed(size)).await?;
            figures.extend(memberships(&world, size).await?);
            if small {
                figures.extend(others(&world).await?);
            }
        }
    }
    Ok(figures)
}

async fn memberships(world: &World, size: usize) -> anyhow::Result<Vec<Figure>> {
    let entra = &world.driver.entra;
    let (group, member) = (world.id("Group 1")?, world.id("user-1@contoso.example")?);
    let newcomer = world.id("newcomer@contoso.example")?;
    let name = |change: &str| format!("calls-{change}-group-of-{size}");
    let mut figures = Vec::new();
    figures.extend(cost(world, name("leave"), 1, (2.0, 4.0), entra.remove_member(group, member)).await?);
    figures.extend(cost(world, name("join-again"), 1, (2.0, 4.0), entra.add_member(group, member)).await?);
    // Somebody who was never mirrored is created first.
    let joins = entra.add_member(group, newcomer);
    figures.extend(cost(world, name("join-newcomer"), 2, (2.0, 4.0), joins).await?);
    Ok(figures)
}

async fn others(world: &World) -> anyhow::Result<Vec<Figure>> {
    let moves = |name: &str| {
        let path = world.id(name).map(|id| format!("/users/{id}"));
        async move { world.driver.entra.update(&path?, json!({"officeLocation": "2/1"})).await }
    };
    let mut figures = Vec::new();
    let member = moves("user-2@contoso.example");
    figures.extend(cost(world, "calls-unmirrored-attribute".to_owned(), 0, (1.0, 0.0), member).await?);
    let stranger = moves("stranger@contoso.example");
    figures.extend(cost(world, "calls-stranger".to_owned(), 0, (0.0, 0.0), stranger).await?);
    Ok(figures)
}

/// The two figures of a change that calls for this many writes.
async fn cost(
    world: &World,
    name: String,
    writes: usize,
    (graph, identity_center): (f64, f64),
    change: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<[Figure; 2]> {
    let cost = world.cost_of(change).await.with_context(|| format!("{name} was not measured"))?;
    ensure!(
        cost.events.changes.len() == writes,
        "{name} calls for {writes} writes, but these were made: {:?}",
        cost.events.changes
    );
    let figure =
        |of: &str, value, unit, bound| Figure::new(format!("{name}-{of}"), value, unit, Bound::AtMost(bound));
    Ok([
        figure("graph", cost.graph_round_trips, "round trips", graph),
        figure("identity-center", cost.identity_center_calls, "calls", identity_center),
    ])
}

fn seed(size: usize) -> Value {
    let user = |name: &str| {
        let address = format!("{name}@contoso.example");
        json!({"userPrincipalName": address, "mail": address, "displayName": name, "givenName": name,
               "surname": "Example"})
    };
    json!({
        "size": {"users": size, "groups": 1, "members_per_group": size, "assigned_groups": 1},
        "users": [user("newcomer"), user("stranger")],
    })
}
