//! The product's part about account assignments, where a history has rules.

use super::clients;
use super::ports::{Function, Perils, Unreliable};
use super::product::{MIRRORS, Product};
use async_trait::async_trait;
use engine::access::ports::{AccessLedger, RulesReader};
use engine::access::{AccessPorts, AccessSweep, AccessWatch, Worlds};
use engine::budget::Budget;
use engine::holds::Holds;
use engine::ports::{Agenda, CallError, Ledger};
use identity_center::{Instance, InstanceReadOnly, Organization};
use std::sync::Arc;
use wiring::budgets;

impl Product {
    /// What a mirror reads and writes account assignments with.
    pub(super) fn access_of_mirror(&self, perils: &Perils) -> Option<AccessPorts> {
        let rules = self.rules.clone()?;
        let instance = self.instance(perils, budgets::admin_of_mirror(MIRRORS));
        Some(AccessPorts {
            worlds: self.worlds(rules, perils, &instance),
            reader: Arc::new(instance.reader()),
            writer: Arc::new(instance.writer()),
            ledger: self.access_ledger(perils),
        })
    }

    /// What the sweep compares them with.
    pub(super) fn access_of_sweep(&self, perils: &Perils, agenda: Arc<dyn Agenda>) -> Option<AccessSweep> {
        let rules = self.rules.clone()?;
        let instance = self.instance(perils, budgets::admin_of_sweep());
        let ledger: Arc<dyn Ledger> = Arc::new(self.ledger.clone());
        let holds: Arc<dyn Holds> = Arc::new(self.ledger.clone());
        let watch = AccessWatch {
            worlds: self.worlds(rules, perils, &instance),
            ledger: Arc::new(Unreliable::new(ledger, perils.clone())),
            access: self.access_ledger(perils),
            holds: Arc::new(Unreliable::new(holds, perils.clone())),
            agenda,
            clock: Arc::new(self.clock),
            telemetry: self.journal.clone(),
        };
        Some(AccessSweep { watch, reader: Arc::new(instance.reader()) })
    }

    /// Reads account assignments as the sweep does; `None` without rules.
    pub fn account_assignments(&self) -> Option<InstanceReadOnly> {
        let perils = self.perils(Function::Sweep);
        self.rules.as_ref().map(|_| self.instance(&perils, budgets::admin_of_sweep()).reader())
    }

    fn instance(&self, perils: &Perils, calls: Budget) -> Instance {
        let configuration = clients::configuration(self.network(perils), &self.ids.region, self.clock);
        let calls = calls.reporting_to(self.journal.clone());
        Instance::new(clients::sso_admin(&configuration), self.ids.store.clone(), Arc::new(calls))
    }

    fn worlds(&self, rules: String, perils: &Perils, instance: &Instance) -> Arc<Worlds> {
        let configuration = clients::configuration(self.network(perils), &self.ids.region, self.clock);
        let calls = Arc::new(budgets::organizations().reporting_to(self.journal.clone()));
        let organization = Organization::new(clients::organizations(&configuration), calls);
        Arc::new(Worlds::new(
            Arc::new(Written(rules)),
            Arc::new(organization),
            Arc::new(instance.reader()),
            Arc::new(self.clock),
        ))
    }

    fn access_ledger(&self, perils: &Perils) -> Arc<dyn AccessLedger> {
        let ledger: Arc<dyn AccessLedger> = Arc::new(self.ledger.clone());
        Arc::new(Unreliable::new(ledger, perils.clone()))
    }
}

/// Rules that never change.
struct Written(String);

#[async_trait]
impl RulesReader for Written {
    async fn text(&self) -> Result<String, CallError> {
        Ok(self.0.clone())
    }
}
