//! The API operations in use: which permissions each one asks for, and what it can fail to find.
//!
//! Each call is authorised in two IAM namespaces, `identitystore` and `sso-directory`; AWS asks to keep both
//! consistent (Service Authorization Reference, "AWS Identity Store", operations table).

/// What a `ResourceNotFoundException` can name (`ResourceType` of the API model).
const USER: &str = "USER";
const GROUP: &str = "GROUP";
const MEMBERSHIP: &str = "GROUP_MEMBERSHIP";

/// One API operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    /// Its name, which is also the name of its `identitystore` action.
    pub name: &'static str,
    /// The `sso-directory` actions that are evaluated, too.
    pub directory_actions: &'static [&'static str],
    /// The resource types of which "not found" answers the question that was asked.
    pub can_lack: &'static [&'static str],
}

pub(crate) const DESCRIBE_USER: Operation = Operation {
    name: "DescribeUser",
    directory_actions: &["DescribeUser", "DescribeUsers"],
    can_lack: &[USER],
};
pub(crate) const GET_USER_ID: Operation =
    Operation { name: "GetUserId", directory_actions: &["GetUserId"], can_lack: &[USER] };
pub(crate) const MEMBERSHIPS_OF_USER: Operation = Operation {
    name: "ListGroupMembershipsForMember",
    directory_actions: &["ListGroupsForMember", "ListGroupsForUser"],
    can_lack: &[USER],
};
pub(crate) const GET_MEMBERSHIP_ID: Operation = Operation {
    name: "GetGroupMembershipId",
    directory_actions: &["ListGroupsForMember", "ListGroupsForUser"],
    can_lack: &[MEMBERSHIP, USER, GROUP],
};
pub(crate) const DESCRIBE_GROUP: Operation = Operation {
    name: "DescribeGroup",
    directory_actions: &["DescribeGroup", "DescribeGroups"],
    can_lack: &[GROUP],
};
pub(crate) const LIST_USERS: Operation =
    Operation { name: "ListUsers", directory_actions: &["SearchUsers"], can_lack: &[] };
pub(crate) const LIST_GROUPS: Operation =
    Operation { name: "ListGroups", directory_actions: &["SearchGroups"], can_lack: &[] };
pub(crate) const GET_GROUP_ID: Operation =
    Operation { name: "GetGroupId", directory_actions: &["GetGroupId"], can_lack: &[GROUP] };
pub(crate) const MEMBERS_OF_GROUP: Operation = Operation {
    name: "ListGroupMemberships",
    directory_actions: &["ListMembersInGroup"],
    can_lack: &[GROUP],
};
pub(crate) const CREATE_USER: Operation =
    Operation { name: "CreateUser", directory_actions: &["CreateUser"], can_lack: &[] };
pub(crate) const UPDATE_USER: Operation =
    Operation { name: "UpdateUser", directory_actions: &["UpdateUser", "UpdateUserName"], can_lack: &[USER] };
pub(crate) const CREATE_GROUP: Operation =
    Operation { name: "CreateGroup", directory_actions: &["CreateGroup"], can_lack: &[] };
pub(crate) const UPDATE_GROUP: Operation = Operation {
    name: "UpdateGroup",
    directory_actions: &["UpdateGroup", "UpdateGroupDisplayName"],
    can_lack: &[GROUP],
};
pub(crate) const CREATE_MEMBERSHIP: Operation = Operation {
    name: "CreateGroupMembership",
    directory_actions: &["AddMemberToGroup"],
    can_lack: &[USER, GROUP],
};
pub(crate) const DELETE_USER: Operation =
    Operation { name: "DeleteUser", directory_actions: &["DeleteUser"], can_lack: &[USER] };
pub(crate) const DELETE_GROUP: Operation =
    Operation { name: "DeleteGroup", directory_actions: &["DeleteGroup"], can_lack: &[GROUP] };
pub(crate) const DELETE_MEMBERSHIP: Operation = Operation {
    name: "DeleteGroupMembership",
    directory_actions: &["RemoveMemberFromGroup"],
    can_lack: &[MEMBERSHIP],
};

impl Operation {
    /// The IAM actions that the call needs, for a person who has to grant them.
    pub fn permissions(&self) -> String {
        let mut actions = format!("identitystore:{}", self.name);
        for action in self.directory_actions {
            actions.push_str(&format!(", sso-directory:{action}"));
        }
        actions
    }
}
