BEGIN TRANSACTION;
CREATE TABLE intarsia_audit (
	n INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at FLOAT NOT NULL, 
	event VARCHAR(16) NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	client VARCHAR(2048) NOT NULL, 
	"by" VARCHAR(16) NOT NULL, 
	what VARCHAR(200) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	result TEXT NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	details TEXT NOT NULL, 
	hash BLOB NOT NULL
);
INSERT INTO "intarsia_audit" VALUES(3,1.79600996643545794489e+09,'action','early','','server','call 3','','done','','{}',X'B65B8F1CCC0477B26CB06E225FF20903689FC1FB9E346E1B21C9443D83608F47');
INSERT INTO "intarsia_audit" VALUES(4,1.79600996644240522379e+09,'action','ada','chat','model','add','f819167691e61dd66865fdfef32676ce','done','','{}',X'89CE5BA87AF827FA2E99ED8485D524E2CDF502C4D4CD1703EC521FC127A5A893');
INSERT INTO "intarsia_audit" VALUES(5,1.79600996644649267197e+09,'action','ada','chat','model','add','cd37993a99e7d4cae9739661d7eb810b','done','','{}',X'FA9C5B5C9B430420D8FF7AA8D1384334218DA6330B0559443566841676FB7FCD');
INSERT INTO "intarsia_audit" VALUES(6,1.79600996645000910755e+09,'action','ada','chat','model','add','0427e937747e5bda511433e9bd7d3a8c','done','','{}',X'754299256332DD665378499794DC5199555C72E71B927D97C290CB590D75080D');
INSERT INTO "intarsia_audit" VALUES(7,1.7960099664541637897e+09,'refusal','ada','chat','model','add','db65767fce214fded106e54248441381','refused: This key was already used for another action. Nothing was changed.','','{}',X'B6D0D4A2FFE6F0EEBCEB9C6F33678481C1A70C8F71A82B67F9EA04818F28961F');
INSERT INTO "intarsia_audit" VALUES(8,1.79600996666845440859e+09,'action','ada','chat','view','forget','7c3f048cadc44318ba352e8493bc1191','done','','{}',X'3BCC891B927B363E56DE7013267F72DB31C661C365E956E46E5700EAFF1933EA');
INSERT INTO "intarsia_audit" VALUES(9,1.79600996667720675466e+09,'switch','root','','shell','tool:add_in_thread','','off','1','{"before": "on", "role": "", "why": "Broken."}',X'CA36AD877F51E8CB6439B36920866025C4D9397568DB72CEEDA264F06F6A8C13');
CREATE TABLE intarsia_audit_anchor (
	n INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (n)
);
INSERT INTO "intarsia_audit_anchor" VALUES(2,X'9FE808138DB92C28C779437024482D5A2C51DA7D7449016814BC313BFF4D5D4E',1.79600996643788337701e+09);
CREATE TABLE intarsia_confirmations (
	id VARCHAR(32) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "intarsia_confirmations" VALUES('99c467ee64351fba3be5cdbb8d08e1a8',1.79600996666774296757e+09);
CREATE TABLE intarsia_drafts (
	person VARCHAR(200) NOT NULL, 
	widget VARCHAR(64) NOT NULL, 
	"values" JSON NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (person, widget)
);
INSERT INTO "intarsia_drafts" VALUES('ada','21b37f75ace2461223684c6796ad2fd7d7881bf78fadfaed0c30951eadb95946','{"radius": 12}',1.79600996667260527604e+09);
CREATE TABLE intarsia_keys (
	person VARCHAR(200) NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	answer JSON, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (person, "key")
);
INSERT INTO "intarsia_keys" VALUES('ada','number-1','a482440e8b3e5192ea9161a4f3541964bb2b00965ee880f41750d2e11187b24c','{"message": "Added 1."}',1.79600996644193029402e+09);
INSERT INTO "intarsia_keys" VALUES('ada','number-2','11b7f9677c908338a49842980a0c8831ab03f1ef4d192919b2f52993e05fb652','{"message": "Added 2."}',1.79600996644624757766e+09);
INSERT INTO "intarsia_keys" VALUES('ada','number-3','b31d41094c8de64b85911b1d0128ca59496550760a65d0e072d17dbc558bc9a0','{"message": "Added 3."}',1.79600996644974756242e+09);
INSERT INTO "intarsia_keys" VALUES('ada','forgotten','a4f193d42821711c47f931b6cf46e8bc7f923b7dd3cb8b50ec0c284ae72e81b1','{"message": "Forgotten."}',1.79600996666726946829e+09);
CREATE TABLE intarsia_secrets (
	name VARCHAR(32) NOT NULL, 
	value BLOB NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "intarsia_secrets" VALUES('audit',X'94A5FA242D107BE137AD85365A717B7C5EFB4BFE3564312FE97EBF93B60274CE',1.79600996640854406361e+09);
INSERT INTO "intarsia_secrets" VALUES('signing',X'64C31E3BAD3147708528325E117CFA6B66D1BFF950B166B1E0B919C5771AFC6E',1.7960099664112284183e+09);
CREATE TABLE intarsia_seen_tools (
	tool VARCHAR(200) NOT NULL, 
	at FLOAT NOT NULL, 
	PRIMARY KEY (tool)
);
INSERT INTO "intarsia_seen_tools" VALUES('add',1.79600996641509342188e+09);
INSERT INTO "intarsia_seen_tools" VALUES('add_in_thread',1.79600996641584110258e+09);
INSERT INTO "intarsia_seen_tools" VALUES('forget',1.79600996641602873808e+09);
INSERT INTO "intarsia_seen_tools" VALUES('forgetting',1.79600996641616034504e+09);
CREATE TABLE intarsia_switches (
	what VARCHAR(200) NOT NULL, 
	role VARCHAR(200) NOT NULL, 
	position VARCHAR(16) NOT NULL, 
	version INTEGER NOT NULL, 
	at FLOAT NOT NULL, 
	who VARCHAR(200) NOT NULL, 
	why TEXT NOT NULL, 
	PRIMARY KEY (what, role)
);
INSERT INTO "intarsia_switches" VALUES('tool:add_in_thread','','off',1,1.79600996667608857155e+09,'root','Broken.');
CREATE TABLE intarsia_tool_counts (
	tool VARCHAR(200) NOT NULL, 
	hour INTEGER NOT NULL, 
	calls INTEGER NOT NULL, 
	errors INTEGER NOT NULL, 
	refusals INTEGER NOT NULL, 
	PRIMARY KEY (tool, hour)
);
INSERT INTO "intarsia_tool_counts" VALUES('add',498891,4,0,1);
INSERT INTO "intarsia_tool_counts" VALUES('forget',498891,2,0,1);
INSERT INTO "intarsia_tool_counts" VALUES('forgetting',498891,1,0,0);
CREATE TABLE numbers (
	n INTEGER NOT NULL, 
	PRIMARY KEY (n)
);
INSERT INTO "numbers" VALUES(1);
INSERT INTO "numbers" VALUES(2);
INSERT INTO "numbers" VALUES(3);
CREATE INDEX ix_intarsia_audit_at ON intarsia_audit (at);
CREATE TRIGGER intarsia_audit_no_update BEFORE UPDATE ON intarsia_audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER intarsia_audit_no_delete BEFORE DELETE ON intarsia_audit
WHEN OLD.n > COALESCE((SELECT MAX(n) FROM intarsia_audit_anchor), 0)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('intarsia_audit',9);
COMMIT;
