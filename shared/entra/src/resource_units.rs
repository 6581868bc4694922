//! What a request costs of Graph's quota: resource units (throttling-limits, "identity and access").

/// Resource units of a GET of this path, with its query: the table's base, one less with `$select` or with
/// `$top` under 20, one more with `$expand`, and at least one.
pub(crate) fn cost(path: &str) -> f64 {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let mut units = match segments.as_slice() {
        ["users"] | ["servicePrincipals", _, "appRoleAssignments"] => 2,
        ["groups", _, "members", ..] => 3,
        [_, _, "transitiveMembers", ..] => 5,
        _ => 1,
    };
    for option in query.split('&').filter_map(|option| option.split_once('=')) {
        units += match option {
            ("$select", _) => -1,
            ("$expand", _) => 1,
            ("$top", top) if top.parse().is_ok_and(|top: u32| top < 20) => -1,
            _ => 0,
        };
    }
    f64::from(units.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_cost_what_the_table_says() {
        for (path, units) in [
            ("/users/1?$select=id&$expand=manager($select=id)", 1.0),
            ("/users/1?$expand=manager($select=id)", 2.0),
            ("/users?$top=999", 2.0),
            ("/users?$select=id", 1.0),
            ("/groups/1/members", 3.0),
            ("/groups/1/members/microsoft.graph.user?$select=id&$top=5", 1.0),
            ("/groups/1/transitiveMembers?$select=id", 4.0),
            ("/groups/delta?$filter=id%20eq%20'1'&$select=displayName,members", 1.0),
            ("/servicePrincipals/1/appRoleAssignedTo?$top=999", 1.0),
        ] {
            assert_eq!(cost(path), units, "{path}");
        }
    }
}
