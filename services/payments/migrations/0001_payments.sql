-- Charges, bank credits, suspense and the double-entry ledger. Amounts: đồng. Times: microseconds UTC. Columns named
-- *_sealed hold personal data, sealed.

-- Agencies that collect, and today's unit of each (territory's).
CREATE TABLE agencies (
  id TEXT NOT NULL PRIMARY KEY,
  unit TEXT NOT NULL
);

-- Bank accounts that collect. One without `active` takes no new charges but still receives for the old ones.
CREATE TABLE collecting_accounts (
  id TEXT NOT NULL PRIMARY KEY,              -- "<bin>-<number>"
  agency TEXT NOT NULL REFERENCES agencies (id),
  bank_bin TEXT NOT NULL,
  account_number TEXT NOT NULL,
  holder_name TEXT NOT NULL,
  active SMALLINT NOT NULL CHECK (active IN (0, 1)),
  UNIQUE (bank_bin, account_number)
);
CREATE UNIQUE INDEX collecting_accounts_active ON collecting_accounts (agency) WHERE active = 1;

CREATE TABLE charges (
  id TEXT NOT NULL PRIMARY KEY,              -- chosen by the caller
  content_hash TEXT NOT NULL,                -- of the request that opened it
  revision BIGINT NOT NULL,
  reference TEXT NOT NULL UNIQUE,
  memo TEXT NOT NULL,
  agency TEXT NOT NULL,
  unit TEXT NOT NULL,
  purpose_kind TEXT NOT NULL,
  purpose_ref TEXT NOT NULL,
  description TEXT NOT NULL,
  lines TEXT NOT NULL,                       -- JSON
  collecting_account TEXT NOT NULL REFERENCES collecting_accounts (id),  -- frozen
  amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
  paid_vnd BIGINT NOT NULL CHECK (paid_vnd BETWEEN 0 AND amount_vnd),
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 6),
  opened_at BIGINT NOT NULL,
  expires_at BIGINT,
  settled_at BIGINT
);
CREATE INDEX charges_by_agency ON charges (agency, unit, opened_at, id);
CREATE INDEX charges_by_expiry ON charges (expires_at) WHERE state IN (1, 2) AND expires_at IS NOT NULL;

-- Who may see and pay a charge.
CREATE TABLE charge_owners (
  person TEXT NOT NULL,
  opened_at BIGINT NOT NULL,
  charge TEXT NOT NULL REFERENCES charges (id),
  PRIMARY KEY (person, opened_at, charge)
);
CREATE INDEX charge_owners_by_charge ON charge_owners (charge);

-- What the banks told us, each credit once, as it was understood. Never changed.
CREATE TABLE bank_credits (
  id TEXT NOT NULL PRIMARY KEY,
  bank_bin TEXT NOT NULL,
  bank_transaction TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  account_number TEXT NOT NULL,
  collecting_account TEXT,                   -- NULL: not registered
  amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
  memo_sealed BLOB NOT NULL,
  booked_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  signing_key TEXT NOT NULL,
  disposition TEXT NOT NULL,
  outcome TEXT NOT NULL,                     -- what the bank was answered
  charge TEXT,
  UNIQUE (bank_bin, bank_transaction)
);

-- Money that is nobody's payment (yet). Open items of an agency are what its accountant has to look at.
CREATE TABLE suspense_items (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7: oldest first
  revision BIGINT NOT NULL,
  agency TEXT NOT NULL REFERENCES agencies (id),
  cause TEXT NOT NULL,                       -- a credit's disposition, or 'released'
  amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
  remaining_vnd BIGINT NOT NULL CHECK (remaining_vnd BETWEEN 0 AND amount_vnd),
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  collecting_account TEXT,                   -- where the money lies; NULL: an account that is not registered
  credit TEXT REFERENCES bank_credits (id),  -- NULL: released by a charge
  charge TEXT,                               -- the charge it may belong to
  created_at BIGINT NOT NULL,
  resolved_at BIGINT,
  resolved_by TEXT NOT NULL,
  note_sealed BLOB
);
CREATE INDEX suspense_items_by_agency ON suspense_items (agency, state, id);

-- The ledger. Rows of both tables are written once and never changed.
CREATE TABLE ledger_accounts (
  code TEXT NOT NULL PRIMARY KEY,
  kind SMALLINT NOT NULL CHECK (kind BETWEEN 1 AND 5),
  agency TEXT NOT NULL
);
CREATE TABLE transfers (
  id TEXT NOT NULL PRIMARY KEY,              -- UUIDv7
  reason TEXT NOT NULL,
  debit TEXT NOT NULL REFERENCES ledger_accounts (code),
  credit TEXT NOT NULL REFERENCES ledger_accounts (code),
  amount_vnd BIGINT NOT NULL CHECK (amount_vnd > 0),
  charge TEXT,
  bank_credit TEXT REFERENCES bank_credits (id),
  suspense TEXT REFERENCES suspense_items (id),
  at BIGINT NOT NULL,
  CHECK (debit <> credit)
);
CREATE INDEX transfers_by_charge ON transfers (charge);
CREATE INDEX transfers_by_credit ON transfers (bank_credit);
