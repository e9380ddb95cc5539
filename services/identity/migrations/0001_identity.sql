-- Logins and people. Times: microseconds UTC. Columns named *_sealed hold personal data, sealed for their row; columns
-- named *_index are keyed blind indexes of the same values.
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  kind SMALLINT NOT NULL CHECK (kind IN (1, 2)),  -- 1 citizen, by phone; 2 officer, by user name
  phone_sealed BLOB,
  phone_index BLOB UNIQUE,
  username TEXT UNIQUE,
  password_hash TEXT NOT NULL,
  locked SMALLINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- A person is not a login: one phone may serve a household, and a person may have no phone.
CREATE TABLE persons (
  id TEXT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,
  full_name_sealed BLOB NOT NULL,
  personal_number_sealed BLOB,
  personal_number_index BLOB,
  birth_date_sealed BLOB,
  address_text_sealed BLOB,
  address_unit TEXT NOT NULL,
  address_at TEXT NOT NULL,
  phone_sealed BLOB,
  assurance SMALLINT NOT NULL CHECK (assurance BETWEEN 1 AND 3),
  created_at BIGINT NOT NULL,
  verified_by TEXT NOT NULL,  -- account of the officer who saw the papers
  verified_at BIGINT
);
-- Only papers that were seen make a number somebody's; until then anyone may claim it.
CREATE UNIQUE INDEX persons_by_verified_number ON persons (personal_number_index) WHERE assurance >= 2;

CREATE TABLE account_persons (
  account TEXT NOT NULL REFERENCES accounts (id),
  person TEXT NOT NULL REFERENCES persons (id),
  added_at BIGINT NOT NULL,
  PRIMARY KEY (account, person)
);

CREATE TABLE organisations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  tax_code TEXT NOT NULL,
  address_text_sealed BLOB,
  address_unit TEXT NOT NULL,
  address_at TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE organisation_representatives (
  person TEXT NOT NULL REFERENCES persons (id),
  organisation TEXT NOT NULL REFERENCES organisations (id),
  PRIMARY KEY (person, organisation)
);

CREATE TABLE officers (
  account TEXT NOT NULL PRIMARY KEY REFERENCES accounts (id),
  revision BIGINT NOT NULL,
  person TEXT NOT NULL REFERENCES persons (id),
  position TEXT NOT NULL,
  agency TEXT NOT NULL,  -- whose administrators look after this officer
  unit TEXT NOT NULL
);
CREATE INDEX officers_by_agency ON officers (agency, unit, account);
CREATE TABLE grants (
  account TEXT NOT NULL REFERENCES officers (account),
  position BIGINT NOT NULL,
  role TEXT NOT NULL,
  agency TEXT NOT NULL,
  unit TEXT NOT NULL,
  PRIMARY KEY (account, role, agency, unit)
);
CREATE INDEX grants_by_agency ON grants (agency, unit, account);

CREATE TABLE otp_challenges (
  id TEXT NOT NULL PRIMARY KEY,
  phone_sealed BLOB NOT NULL,
  code_index BLOB NOT NULL,  -- keyed hash of challenge and code
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  used_at BIGINT
);
CREATE INDEX otp_challenges_by_time ON otp_challenges (created_at);

-- One login: a family of refresh tokens. No token and no hash of one is stored.
CREATE TABLE logins (
  id TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  person TEXT NOT NULL,  -- acted for, '' until one is chosen
  state SMALLINT NOT NULL CHECK (state BETWEEN 1 AND 6),
  generation BIGINT NOT NULL,
  secret_sealed BLOB NOT NULL,
  rotated_at BIGINT NOT NULL,
  device TEXT NOT NULL,
  address_index BLOB NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT
);
CREATE INDEX logins_by_account ON logins (account, id);
CREATE INDEX logins_by_expiry ON logins (expires_at);

-- Devices on which somebody has logged in to the account before: limits on the phone do not lock them out.
CREATE TABLE devices (
  token_hash TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL REFERENCES accounts (id),
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL
);
CREATE INDEX devices_by_account ON devices (account, created_at);

-- What limits count: codes sent, passwords that were wrong. `subject` is a blind index.
CREATE TABLE attempts (
  kind SMALLINT NOT NULL,
  subject BLOB NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX attempts_by_subject ON attempts (kind, subject, at);
CREATE INDEX attempts_by_time ON attempts (at);

-- Who read whose data, as the services' audit logs tell it; each (service, sequence) once. The cursor also passes over
-- rows that concern no person.
CREATE TABLE access_cursors (
  service TEXT NOT NULL PRIMARY KEY,
  last_sequence BIGINT NOT NULL
);
CREATE TABLE accesses (
  service TEXT NOT NULL,
  sequence BIGINT NOT NULL,
  person TEXT NOT NULL,
  at BIGINT NOT NULL,
  caller_kind TEXT NOT NULL,
  caller TEXT NOT NULL,
  actor TEXT NOT NULL,  -- role and agency of an officer at that time
  method TEXT NOT NULL,
  resource TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (service, sequence)
);
CREATE INDEX accesses_by_person ON accesses (person, at, service, sequence);
