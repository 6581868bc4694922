//! An operator who decides about bulk revocations that wait.

use super::world::World;
use engine::holds::{HoldDecisions, Holds, all_held};
use engine::ports::CallError;
use planning::hold::Hold;
use std::sync::Arc;

/// One of so many steps at which something waits sees a decision.
const SELDOM: u32 = 6;

impl World {
    /// Now and then the operator approves or discards a hold, or one principal of it; says what.
    ///
    /// # Errors
    /// When the ledger fails, which it does not.
    pub async fn let_the_operator_decide(&mut self) -> Result<Option<String>, CallError> {
        let holds = self.product.ledger.open_holds().await?;
        let Some(hold) = self.random.choice(&holds).filter(|_| !holds.is_empty()) else { return Ok(None) };
        if self.random.u32(0..SELDOM) > 0 {
            return Ok(None);
        }
        let held = all_held(&self.product.ledger, &hold.id).await?;
        let only = self.random.choice(&held).map(|held| held.principal.clone());
        let decided = match self.random.u32(0..4) {
            0 => self.decisions().discard(hold, None).await?,
            1 => {
                self.approved(hold).await?;
                self.decisions().approve(hold, only.as_ref()).await?
            }
            _ => {
                self.approved(hold).await?;
                self.decisions().approve(hold, None).await?
            }
        };
        Ok(Some(format!("the operator decides about {decided} of {} in {}", held.len(), hold.id)))
    }

    /// The operator approves whatever waits; false if nothing does.
    ///
    /// # Errors
    /// When the ledger fails, which it does not.
    pub async fn approve_everything(&mut self) -> Result<bool, CallError> {
        let holds = self.product.ledger.open_holds().await?;
        for hold in &holds {
            self.approved(hold).await?;
            let approved = self.decisions().approve(hold, None).await?;
            self.product.journal.write(format!("the operator approves {approved} in {}", hold.id));
        }
        Ok(!holds.is_empty())
    }

    /// From here on losses of these people are no surprise: nobody has to hold them back.
    async fn approved(&mut self, hold: &Hold) -> Result<(), CallError> {
        let now = self.now();
        for held in all_held(&self.product.ledger, &hold.id).await? {
            self.watch.approved(held.principal.as_str(), now);
        }
        Ok(())
    }

    fn decisions(&self) -> HoldDecisions {
        HoldDecisions {
            holds: Arc::new(self.product.ledger.clone()),
            agenda: Arc::new(self.product.ledger.clone()),
            clock: Arc::new(self.product.clock),
        }
    }
}
