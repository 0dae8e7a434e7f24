"""Pages of the console and the desk, line by line, and what becomes different on them: "+" came, "-" went."""

from typing import Final

SCRIPTS: Final[dict[str, str]] = {
    "party in force": """
Parties
Ash Exchange
Aggregator, aggregator in 1 contract. https://ashexchange.example
Change Link Its orders
Suspend now
Every request in whose chain this company stands is denied at once, whoever asks. Stops, orders and receipts go on. \
To lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Contracts
1
Stream
not verified
Oldest unacknowledged
none
Waiting
0
Every chain it stands in
Campaign
Stage
As
Chain
Purpose
Look-ups, 30 days
{campaign}
(good) in force
aggregator
Ash Exchange → Alder Aid
To give you a service you asked for
4
What we know
Contracts
{contract} (in force)
Website
not known
What it does
not said
Its keys at
{server}/jwks.json
Machines
{machine}
Linked with
nobody
History
Nobody has done anything to it here yet.
""",
    "contract in force": """
Contracts
{contract}
(good) in force
With Ash Exchange, from 1 Jan 2024 until 1 Jan 2096.
End earlier Propose a longer term Plan to terminate
Suspend now
Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. To \
lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Lines whose data it received
2
Look-ups in 30 days
4
Stream
not verified
Oldest unacknowledged
none
Open breaches
0
Campaigns
Draft a campaign
Campaign
Stage
Location service
Purpose
Paid with
Approvals
Look-ups, 30 days
{campaign}
(good) in force
Alder Aid
To give you a service you asked for
not said
2
4
Delivery
Every order and event
(warn) not verified
It has made no stream, so that nothing asks it every six hours whether it is there. 0 waiting to be acknowledged.
Receives by
push, to the contract's own address
Must acknowledge
within 900 s
Must complete
within 10 days
History
Nobody has done anything to it here yet.
Breaches
All breaches
It has kept every date.
Agreed
Signed
1 Jan 2024
Epoch
1
Purposes
To spot fraud dpv:FraudPreventionAndDetection To give you a service you asked for dpv:RequestedServiceProvision To \
show you ads by where you go dpv:TargetedAdvertising
Endpoints and keys
Change
Events to
{server}/events
Its keys at
{server}/jwks.json
Also allowed
no other host
Keys known
none fetched yet
Machines
{machine}
""",
    "campaign in force": """
Campaigns
{campaign}
(good) in force
To give you a service you asked for, within about 500 m. From 1 Jan 2024 until 1 Jan 2096.
End earlier Propose a longer term Plan to terminate
Suspend now
Every request for this campaign is denied at once. Stops, orders and receipts go on. To lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Approvals on record
2
Look-ups in 30 days
4
Paid with
not said
Wording
frozen
Stream
not verified
The chain
the carrier
Ash Exchange
Alder Aid
Known behind it
Vine Bank
Agreed
What is paid · Link
Contract
{contract} (in force)
Purpose
To give you a service you asked for dpv:RequestedServiceProvision
For people
Finds you when you call for roadside help
Consent
sms-double-opt-in
Scope
location-retrieval:read
Exact to
within about 500 m
Marks
none
Linked with
nothing
History
Nobody has done anything to it here yet.
""",
    "service in force": """
Parties
Alder Aid
Location service, provider of 1 campaign. https://alderaid.example
Change Link
Suspend now
Every request in whose chain this company stands is denied at once, whoever asks. Stops, orders and receipts go on. \
To lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Every chain it stands in
Campaign
Stage
As
Chain
Purpose
Look-ups, 30 days
{campaign}
(good) in force
location service
Ash Exchange → Alder Aid
To give you a service you asked for
4
What we know
Contracts
none with us
Website
not known
What it does
not said
Its keys at
{keys}
Machines
none may sign in
Linked with
nobody
History
Nobody has done anything to it here yet.
""",
    "customer in force": """
Parties
Vine Bank
End customer, behind 1 campaign. https://vinebank.example
Change Link
Suspend now
Every request in whose chain this company stands is denied at once, whoever asks. Stops, orders and receipts go on. \
To lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Every chain it stands in
Campaign
Stage
As
Chain
Purpose
Look-ups, 30 days
{campaign}
(good) in force
behind it
Ash Exchange → Alder Aid → Vine Bank
To give you a service you asked for
4
What we know
Contracts
none with us
Website
not known
What it does
not said
Its keys at
{bank_keys}
Machines
none may sign in
Linked with
nobody
History
Nobody has done anything to it here yet.
""",
    "dashboard quiet": """
priority_high
7 things need you
7 incidents open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (7)
All open
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
A machine was let in or given another key without two officers {machine_gateway} opened 1 hour ago
A machine was let in or given another key without two officers {machine_aggregator} opened 1 hour ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
No contract or campaign ends soon.
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "party suspended": """
- (good) in force
+ (bad) suspended
- {contract} (in force)
+ {contract} (suspended)
""",
    "contract suspended": """
- (good) in force
+ (bad) suspended
- End earlier Propose a longer term Plan to terminate
- Suspend now
- Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. \
To lift it takes two officers.
- Why
- Kept with the act for ever. Write no person's name or number.
- Suspend now
+ End earlier Plan to terminate
+ (bad)
+ Suspended since {suspended} UTC. Everything under it is denied. By first@carrier.example: They sold it.
+ Propose to lift
- (good) in force
+ (bad) suspended
- Nobody has done anything to it here yet.
+ suspension: began first@carrier.example: They sold it. {suspended_acted}
""",
    "campaign suspended": """
- (good) in force
+ (bad) suspended
- End earlier Propose a longer term Plan to terminate
+ End earlier Plan to terminate
+ (bad)
+ Suspended with contract {contract} since {suspended} UTC. Everything under it is denied. By first@carrier.example: \
They sold it.
- {contract} (in force)
+ {contract} (suspended)
""",
    "service suspended": """
- (good) in force
+ (bad) suspended
""",
    "customer suspended": """
- (good) in force
+ (bad) suspended
""",
    "dashboard suspended": """
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 1 hour ago
- A machine was let in or given another key without two officers {machine_gateway} opened 1 hour ago
- A machine was let in or given another key without two officers {machine_aggregator} opened 1 hour ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
+ A machine was let in or given another key without two officers {machine_gateway} opened 3 hours ago
+ A machine was let in or given another key without two officers {machine_aggregator} opened 3 hours ago
- Nothing is suspended.
+ {contract} by first@carrier.example: They sold it. 2 hours, 59 minutes
""",
    "proposal of mine": """
Proposals
Lift a suspension: {contract}
(warn) You proposed this. Another officer must agree by {counts_until} UTC.
What happens
{contract} would be answered again as its contracts and people's choices allow, at once.
About
{contract}
Proposed by
first@carrier.example, {proposed} UTC
Why
They mended it.
A yes ends 1 suspension
They sold it. first@carrier.example, {suspended} UTC
Withdraw
Why
Kept with the act for ever. Write no person's name or number.
Withdraw it
""",
    "proposal of another": """
Proposals
Lift a suspension: {contract}
(warn) It waits for you. Agree only if you would do it yourself. It counts until {counts_until} UTC.
What happens
{contract} would be answered again as its contracts and people's choices allow, at once.
About
{contract}
Proposed by
first@carrier.example, {proposed} UTC
Why
They mended it.
A yes ends 1 suspension
They sold it. first@carrier.example, {suspended} UTC
Agree
Why
Kept with the act for ever. Write no person's name or number.
Agree, and do it
Decline
Why
Kept with the act for ever. Write no person's name or number.
Decline
""",
    "contract asked": """
+ (warn)
+ Lift a suspension was proposed by first@carrier.example on {proposed}: They mended it. It waits for another officer.
+ proposal: made (Lift a suspension) first@carrier.example: They mended it. {proposed}
""",
    "dashboard of mine": """
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A machine was let in or given another key without two officers {machine_gateway} opened 3 hours ago
- A machine was let in or given another key without two officers {machine_aggregator} opened 3 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
+ A machine was let in or given another key without two officers {machine_gateway} opened 4 hours ago
+ A machine was let in or given another key without two officers {machine_aggregator} opened 4 hours ago
- Nobody waits for another officer's yes.
+ Lift a suspension: {contract} They mended it. You proposed this somebody else must agree
- {contract} by first@carrier.example: They sold it. 2 hours, 59 minutes
+ {contract} by first@carrier.example: They sold it. 3 hours, 59 minutes
""",
    "proposals": """
Proposals
Acts that loosen something. One officer proposes, another agrees; until then nothing changes.
Reason
State
Any
Waiting
Too old
Agreed
Declined
Withdrawn
Act
Any
Lift a suspension
Extend a term
Relax a rule of a state
Say that less is paid for a campaign
Terminate
Let a machine in
Loosen a rule for anomalies
Let an agent ask for people
End the protection of a line
Change endpoints
Change the address of keys
Show
1 in this list
Act
About
State
Proposed by
When
Decided by
Lift a suspension contract
{contract} contract
(warn) waits for a second officer
first@carrier.example They mended it.
{proposed}
–
""",
    "suspensions": """
Suspensions
What is denied everything for now. To suspend takes one officer; to lift takes two.
Reason
Running
Any
Running
Lifted
What
Any
Party
Contract
Campaign
By
Any
Stream rules
An officer
Show
1 in this list
What
State
Since
By
Why
Lifted
{contract} contract
(bad) denied
{suspended} 4 h
first@carrier.example
They sold it.
–
""",
    "proposal agreed": """
Proposals
Lift a suspension: {contract}
(good) Agreed by second@carrier.example on {agreed} UTC: Seen it.
What happens
{contract} would be answered again as its contracts and people's choices allow, at once.
About
{contract}
Proposed by
first@carrier.example, {proposed} UTC
Why
They mended it.
""",
    "contract lifted": """
- (bad) suspended
+ (good) in force
- End earlier Plan to terminate
- (bad)
- Suspended since {suspended} UTC. Everything under it is denied. By first@carrier.example: They sold it.
- Propose to lift
- (warn)
- Lift a suspension was proposed by first@carrier.example on {proposed}: They mended it. It waits for another officer.
+ End earlier Propose a longer term Plan to terminate
+ Suspend now
+ Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. \
To lift it takes two officers.
+ Why
+ Kept with the act for ever. Write no person's name or number.
+ Suspend now
- (bad) suspended
+ (good) in force
+ suspension: lifted the suspension second@carrier.example: Seen it. {agreed}
+ proposal: agreed (Lift a suspension) second@carrier.example: Seen it. {agreed}
""",
    "campaign lifted": """
- (bad) suspended
+ (good) in force
- End earlier Plan to terminate
+ End earlier Propose a longer term Plan to terminate
- (bad)
- Suspended with contract {contract} since {suspended} UTC. Everything under it is denied. By first@carrier.example: \
They sold it.
- {contract} (suspended)
+ {contract} (in force)
""",
    "dashboard lifted": """
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 4 hours ago
- A machine was let in or given another key without two officers {machine_gateway} opened 4 hours ago
- A machine was let in or given another key without two officers {machine_aggregator} opened 4 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 6 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 6 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 6 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 6 hours ago
+ A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 6 hours ago
+ A machine was let in or given another key without two officers {machine_gateway} opened 6 hours ago
+ A machine was let in or given another key without two officers {machine_aggregator} opened 6 hours ago
- Lift a suspension: {contract} They mended it. You proposed this somebody else must agree
+ Nobody waits for another officer's yes.
- {contract} by first@carrier.example: They sold it. 3 hours, 59 minutes
+ Nothing is suspended.
""",
    "suspensions lifted": """
Suspensions
What is denied everything for now. To suspend takes one officer; to lift takes two.
Reason
Running
Any
Running
Lifted
What
Any
Party
Contract
Campaign
By
Any
Stream rules
An officer
Show
1 in this list
What
State
Since
By
Why
Lifted
{contract} contract
lifted
{suspended} {lasted}
first@carrier.example
They sold it.
{lifted}
""",
    "contracts": """
Contracts
What is in force, what ends soon, and who does not receive what we send. Look-ups are of the last 30 days.
Draft a contract
Contract or aggregator
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Show
1 in this list
Contract
Stage
Ends
Campaigns
Lines
Look-ups
Stream
Oldest unacknowledged
Open breaches
{contract} Ash Exchange
(good) in force
in {days_left} days 1 Jan 2096
1
2
4
(warn) not verified
push
–
–
""",
    "campaigns": """
Campaigns
One location service, one purpose, one consent flow each. What is in force is frozen: a change is a new one.
Name, company or purpose
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Lifeline
Any
Yes
No
Paid with
Any
Nothing is paid
Money
Other value
Show
1 in this list
Campaign
Stage
Location service
Purpose
Lifeline
Paid with
Approvals
Look-ups
{campaign} under {contract}
(good) in force
frozen
Alder Aid
To give you a service you asked for dpv:RequestedServiceProvision
–
not said
2
4
""",
    "parties": """
Parties
Every organisation that is named in a contract or was seen in a path. Suspending one denies it everywhere.
Add a party
Name or address
Kind
Any
Aggregator
Location service
End customer
Unnamed
Suspended
Any
Yes
No
Show
4 in this list
Party
Kind
Stands in
State
a company we can't name unknown
Unnamed
–
–
Alder Aid https://alderaid.example
Location service
provider of 1 campaign
–
Ash Exchange https://ashexchange.example
Aggregator
aggregator in 1 contract
–
Vine Bank https://vinebank.example
End customer
behind 1 campaign
–
""",
    "contract drafted": """
Contracts
AGR-NEW
(plain) draft
With Ash Exchange, from {starts_day} until {ends_day}.
Put in force Change the draft Discard the draft
Lines whose data it received
0
Look-ups in 30 days
0
Stream
not verified
Oldest unacknowledged
none
Open breaches
0
Campaigns
Draft a campaign
Campaign
Stage
Location service
Purpose
Paid with
Approvals
Look-ups, 30 days
CMP-NEW
(warn) lifeline
(plain) draft
Alder Aid
To give you a service you asked for
Money
0
0
Delivery
Every order and event
(warn) not verified
It has made no stream, so that nothing asks it every six hours whether it is there. 0 waiting to be acknowledged.
Receives by
push, to the contract's own address
Must acknowledge
within 600 s
Must complete
within 7 days
History
contract: drafted first@carrier.example: They sold it on. {drafted}
Breaches
All breaches
It has kept every date.
Agreed
Signed
{signed_day}
Epoch
1
Purposes
To give you a service you asked for dpv:RequestedServiceProvision
Endpoints and keys
Change
Events to
{server}/events
Its keys at
{server}/jwks.json
Also allowed
no other host
Keys known
none fetched yet
Machines
{machine}
""",
    "campaign drafted": """
Campaigns
CMP-NEW
(plain) draft
To give you a service you asked for, within about 100 m. From {starts_day} until {ends_day}.
Put in force Change the draft Discard the draft
(warn) A lifeline. People depend on it for medical or roadside help. To stop it may put them at risk; 911 can still \
find them.
Approvals on record
0
Look-ups in 30 days
0
Paid with
Money
Wording
draft
Stream
not verified
The chain
the carrier
Ash Exchange
Alder Aid
Known behind it
Nobody else was named, or seen in a path.
Agreed
What is paid · Link
Contract
AGR-NEW (draft)
Purpose
To give you a service you asked for dpv:RequestedServiceProvision
For people
Finds you.
Consent
sms
Scope
location-retrieval:read
Exact to
within about 100 m
Marks
lifeline
Linked with
nothing
History
campaign: drafted first@carrier.example: They sold it on. {drafted}
""",
    "contract not begun": """
- (plain) draft
+ (plain) not yet begun
- Put in force Change the draft Discard the draft
+ End earlier Propose a longer term
+ Suspend now
+ Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. \
To lift it takes two officers.
+ Why
+ Kept with the act for ever. Write no person's name or number.
+ Suspend now
- (plain) draft
+ (plain) not yet begun
+ contract: put in force first@carrier.example: Both signed it. {forced}
""",
    "campaign not begun": """
- (plain) draft
+ (plain) not yet begun
- Put in force Change the draft Discard the draft
+ End earlier Propose a longer term
+ Suspend now
+ Every request for this campaign is denied at once. Stops, orders and receipts go on. To lift it takes two officers.
+ Why
+ Kept with the act for ever. Write no person's name or number.
+ Suspend now
- draft
+ frozen
- AGR-NEW (draft)
+ AGR-NEW (not yet begun)
+ campaign: put in force first@carrier.example: Both signed it. {forced}
""",
    "dashboard not begun": """
priority_high
1 thing needs you
1 incident open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (1)
All open
A machine was let in or given another key without two officers {machine_aggregator} opened 1 day ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
No contract or campaign ends soon.
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "contracts not begun": """
Contracts
What is in force, what ends soon, and who does not receive what we send. Look-ups are of the last 30 days.
Draft a contract
Contract or aggregator
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Show
Clear
1 in this list
Contract
Stage
Ends
Campaigns
Lines
Look-ups
Stream
Oldest unacknowledged
Open breaches
AGR-NEW Ash Exchange
(plain) not yet begun
{left} {ends_day}
1
–
–
(warn) not verified
push
–
–
""",
    "contract begun": """
- (plain) not yet begun
+ (good) in force
- End earlier Propose a longer term
+ End earlier Propose a longer term Plan to terminate
- (plain) not yet begun
+ (good) in force
""",
    "campaign begun": """
- (plain) not yet begun
+ (good) in force
- End earlier Propose a longer term
+ End earlier Propose a longer term Plan to terminate
- AGR-NEW (not yet begun)
+ AGR-NEW (in force)
""",
    "dashboard begun": """
priority_high
1 thing needs you
1 incident open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (1)
All open
A machine was let in or given another key without two officers {machine_aggregator} opened 3 days ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
AGR-NEW Contract of Ash Exchange {ends_day}
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "contracts begun": """
Contracts
What is in force, what ends soon, and who does not receive what we send. Look-ups are of the last 30 days.
Draft a contract
Contract or aggregator
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Show
Clear
1 in this list
Contract
Stage
Ends
Campaigns
Lines
Look-ups
Stream
Oldest unacknowledged
Open breaches
AGR-NEW Ash Exchange
(good) in force
{left} {ends_day}
1
–
–
(warn) not verified
push
–
–
""",
    "contract ending": """
- (good) in force
+ (warn) ending
- (good) in force
+ (warn) ending
""",
    "campaign ending": """
- (good) in force
+ (warn) ending
- AGR-NEW (in force)
+ AGR-NEW (ending)
""",
    "dashboard ending": """
priority_high
1 thing needs you
1 incident open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (1)
All open
A machine was let in or given another key without two officers {machine_aggregator} opened 2 weeks, 1 day ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
AGR-NEW Contract of Ash Exchange {ends_day}
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "contracts ending": """
Contracts
What is in force, what ends soon, and who does not receive what we send. Look-ups are of the last 30 days.
Draft a contract
Contract or aggregator
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Show
Clear
1 in this list
Contract
Stage
Ends
Campaigns
Lines
Look-ups
Stream
Oldest unacknowledged
Open breaches
AGR-NEW Ash Exchange
(warn) ending
{left} {ends_day}
1
–
–
(warn) not verified
push
–
–
""",
    "contract over": """
- (warn) ending
+ (plain) ended
- End earlier Propose a longer term Plan to terminate
- Suspend now
- Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. \
To lift it takes two officers.
- Why
- Kept with the act for ever. Write no person's name or number.
- Suspend now
+ Plan to terminate
- (warn) ending
+ (plain) ended
""",
    "campaign over": """
- (warn) ending
+ (plain) ended
- End earlier Propose a longer term Plan to terminate
- Suspend now
- Every request for this campaign is denied at once. Stops, orders and receipts go on. To lift it takes two officers.
- Why
- Kept with the act for ever. Write no person's name or number.
- Suspend now
+ Plan to terminate
- AGR-NEW (ending)
+ AGR-NEW (ended)
""",
    "dashboard over": """
priority_high
1 thing needs you
1 incident open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (1)
All open
A machine was let in or given another key without two officers {machine_aggregator} opened 1 month, 1 week ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
No contract or campaign ends soon.
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "contracts over": """
Contracts
What is in force, what ends soon, and who does not receive what we send. Look-ups are of the last 30 days.
Draft a contract
Contract or aggregator
Stage
Any
Draft
Ended
Suspended
Not yet begun
Ending
In force
Ends within
Any
30 days
60 days
Show
Clear
1 in this list
Contract
Stage
Ends
Campaigns
Lines
Look-ups
Stream
Oldest unacknowledged
Open breaches
AGR-NEW Ash Exchange
(plain) ended
1 day ago {ends_day}
1
–
–
(warn) not verified
push
–
–
""",
    "contract before its end": """
Contracts
{contract}
(good) in force
With Ash Exchange, from 1 Jan 2024 until 1 Jan 2096.
End earlier Propose a longer term Plan to terminate
Suspend now
Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. To \
lift it takes two officers.
Why
Kept with the act for ever. Write no person's name or number.
Suspend now
Lines whose data it received
1
Look-ups in 30 days
1
Stream
not verified
Oldest unacknowledged
none
Open breaches
0
Campaigns
Draft a campaign
Campaign
Stage
Location service
Purpose
Paid with
Approvals
Look-ups, 30 days
{campaign}
(good) in force
Alder Aid
To give you a service you asked for
not said
3
1
Delivery
Every order and event
(warn) not verified
It has made no stream, so that nothing asks it every six hours whether it is there. 0 waiting to be acknowledged.
Receives by
push, to the contract's own address
Must acknowledge
within 900 s
Must complete
within 10 days
History
Nobody has done anything to it here yet.
Breaches
All breaches
It has kept every date.
Agreed
Signed
1 Jan 2024
Epoch
1
Purposes
To spot fraud dpv:FraudPreventionAndDetection To give you a service you asked for dpv:RequestedServiceProvision To \
show you ads by where you go dpv:TargetedAdvertising
Endpoints and keys
Change
Events to
{server}/events
Its keys at
{server}/jwks.json
Also allowed
no other host
Keys known
none fetched yet
Machines
{machine}
""",
    "plan": """
Back, without doing it
Plan: terminate {contract}
Read what ends before you agree. At the moment you do, our gate denies everything under it, its epoch becomes 2, and \
Ash Exchange is told to delete within 10 days. It does not come back.
Lines it concerns
3
Campaigns that end
1
Of them lifelines
0
Orders still open
0
Receipts still owed
0
What subscribers lose
Campaign
Company
For
How exact
Lines that agreed
Received lately
{campaign}
Alder Aid
To give you a service you asked for Finds you when you call for roadside help
within about 500 m
3
1
What happens then
Our gate denies everything under it, in the same transaction.
(todo) A worker lists the 3 lines by the partner's own names for them, and signs the list.
(todo) Ash Exchange is told once, and fetches the list.
(todo) The subscribers are told on their pages.
(todo) Ash Exchange and 1 company below it sign that the data is deleted, within 10 days.
Why these lines
By an approval
3
By an allow
0
By data received
1
By an open order
0
A line may be there for more than one reason, and is counted once in all.
Companies below that must delete as well
Alder Aid
Agree to it
Type its id to confirm
It is {contract}. What is ended does not come back.
Who agrees
I end it now
I propose it, and another officer must agree
Why
Kept with the act for ever. Write no person's name or number.
Terminate
""",
    "end proposed": """
Proposals
Terminate: {contract}
(warn) It waits for you. Agree only if you would do it yourself. It counts until {counts_until} UTC.
What happens
{contract} would be terminated for good. It can't be taken back.
About
{contract}
Proposed by
first@carrier.example, {proposed} UTC
Why
They sold it.
The plan, as it is now
Lines it concerns
3
Campaigns that end
1
Of them lifelines
0
Orders still open
0
Receipts still owed
0
What subscribers lose
Campaign
Company
For
How exact
Lines that agreed
Received lately
{campaign}
Alder Aid
To give you a service you asked for Finds you when you call for roadside help
within about 500 m
3
1
Agree
Why
Kept with the act for ever. Write no person's name or number.
Agree, and do it
Decline
Why
Kept with the act for ever. Write no person's name or number.
Decline
""",
    "end begun": """
Terminations
End of {contract}
(warn) under way
Contract with Ash Exchange, ended on {ended} UTC by first@carrier.example and second@carrier.example: They sold it. /\
 Seen it.
List of lines
0 lines in 0 parts
0 %
0 % of the lines that the plan counted.
Steps
Denied at our gate {ended_exactly} UTC, epoch 2
(todo) List of lines made and signed not yet
(todo) Partner told not yet
(todo) Partner acknowledged not yet
(todo) Subscribers told not yet
(todo) Partner signed that it deleted not yet, due {delete_by_day}
(todo) Every company below it signed not yet, 1 not yet, due {delete_by_day}
Signatures
due {delete_by_day}
Ash Exchange has not signed
(warn) missing
Alder Aid has not signed
(warn) missing
"Deleted" is the partner's word: it signed it, we did not see it.
""",
    "contract ended": """
- (good) in force
- With Ash Exchange, from 1 Jan 2024 until 1 Jan 2096.
- End earlier Propose a longer term Plan to terminate
- Suspend now
- Every request under this contract is denied at once, all its campaigns with it. Stops, orders and receipts go on. \
To lift it takes two officers.
- Why
- Kept with the act for ever. Write no person's name or number.
- Suspend now
+ (plain) ended
+ With Ash Exchange, from 1 Jan 2024 until {ended_day}.
+ (plain) Terminated on {ended} UTC. See how far the deletion receipts are.
- Draft a campaign
- (good) in force
+ (plain) ended
- Nobody has done anything to it here yet.
+ contract: terminated it first@carrier.example: They sold it. / Seen it. {ended}
+ proposal: agreed (Terminate) second@carrier.example: Seen it. {ended}
+ proposal: made (Terminate) first@carrier.example: They sold it. {proposed}
- 1
+ 2
""",
    "dashboard of an end": """
priority_high
3 things need you
3 incidents open. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (3)
All open
A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
A machine was let in or given another key without two officers {machine_gateway} opened 3 hours ago
A machine was let in or given another key without two officers {machine_aggregator} opened 3 hours ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
{contract} of Ash Exchange, terminated0 % List of lines: 0 %. The partner has not signed that it deleted.
(warn) to be done by {delete_by_day}
Ending within 60 days
Contracts that end · Campaigns that end
No contract or campaign ends soon.
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "end told": """
- 0 lines in 0 parts
- 0 %
- 0 % of the lines that the plan counted.
+ 3 lines in 1 part
+ 100 %
+ The list is made and signed. The partner can fetch it until {fetch_until} UTC.
- (todo) List of lines made and signed not yet
- (todo) Partner told not yet
- (todo) Partner acknowledged not yet
+ List of lines made and signed {listed_exactly} UTC
+ Partner told {told_exactly} UTC
+ Partner acknowledged {told_exactly} UTC
""",
    "end signed in part": """
- (todo) Partner signed that it deleted not yet, due {delete_by_day}
+ Partner signed that it deleted {signed_exactly} UTC
- Ash Exchange has not signed
- (warn) missing
+ Ash Exchange {signed} UTC, acted on 2 lines, not the number of the list
+ (warn) completed
""",
    "ends": """
Terminations
What ended for good, by its term or by an officer, and the partners' signatures that the data is deleted.
State
Any
Under way
Past its date
Went on after signing
Signed
Show
1 in this list
What was ended
Partner
State
Lines on the list
Ended
To be done
{contract} contract
Ash Exchange party
(warn) list told, waits for signatures
3
{ended} first@carrier.example
in 9 days {delete_by_day}
""",
    "end late": """
- (warn) under way
+ (bad) past its date
- (todo) Every company below it signed not yet, 1 not yet, due {delete_by_day}
+ (bad) Every company below it signed not yet, 1 not yet, due {delete_by_day}
- (warn) missing
+ (bad) missing
""",
    "dashboard of a late end": """
- 3 things need you
- 3 incidents open. Stops hold at our own gate whatever partners do.
+ 4 things need you
+ 3 incidents open, 1 past the day to tell of it. Stops hold at our own gate whatever partners do.
- A release without the gate's yes Ash Exchange to be told by {tell_by_short}, opened 3 hours ago
- A machine was let in or given another key without two officers {machine_gateway} opened 3 hours ago
- A machine was let in or given another key without two officers {machine_aggregator} opened 3 hours ago
+ A release without the gate's yes Ash Exchange
+ (bad) overdue
+ opened 1 week, 5 days ago
+ A machine was let in or given another key without two officers {machine_gateway} opened 1 week, 5 days ago
+ A machine was let in or given another key without two officers {machine_aggregator} opened 1 week, 5 days ago
- {contract} of Ash Exchange, terminated0 % List of lines: 0 %. The partner has not signed that it deleted.
- (warn) to be done by {delete_by_day}
+ {contract} of Ash Exchange, terminated100 % List of lines: 100 %. The partner has signed.
+ (bad) past its date
""",
    "end signed": """
- (bad) past its date
+ (good) deletion signed
- Partner signed that it deleted {signed_exactly} UTC
- (bad) Every company below it signed not yet, 1 not yet, due {delete_by_day}
+ Partner signed that it deleted {signed_again_exactly} UTC
+ Every company below it signed {signed_again_exactly} UTC
- Ash Exchange {signed} UTC, acted on 2 lines, not the number of the list
- (warn) completed
- Alder Aid has not signed
- (bad) missing
+ Ash Exchange {signed_again} UTC, acted on 3 lines
+ (good) completed
+ Alder Aid {signed_again} UTC
+ (good) completed
""",
    "dashboard of a signed end": """
- 4 things need you
+ 3 things need you
- opened 1 week, 5 days ago
- A machine was let in or given another key without two officers {machine_gateway} opened 1 week, 5 days ago
- A machine was let in or given another key without two officers {machine_aggregator} opened 1 week, 5 days ago
+ opened 1 week, 6 days ago
+ A machine was let in or given another key without two officers {machine_gateway} opened 1 week, 6 days ago
+ A machine was let in or given another key without two officers {machine_aggregator} opened 1 week, 6 days ago
- {contract} of Ash Exchange, terminated100 % List of lines: 100 %. The partner has signed.
- (bad) past its date
+ No partner owes us the signature that it deleted a whole contract's data.
""",
    "incident reported": """
Incidents
A breach at a partner, reported by hand
(bad) open
About Ash Exchange. Seen 1 time since {known} UTC.
Acknowledge itAssign itClose itAdd a noteTake it away
Times
1
Open for
2 hours
Whose
nobody's yet
Acknowledged
not yet
Ticket
none yet
An answer is due
–
What was reported
What happened A laptop was stolen.
What was affected Some lists.
Reported by first@carrier.example{reported}
By when it may have to be told
Write down what was done
Put it to the partner in writing, with a date to mend it our own rule {writing}
If it is a breach: tell the agencies 47 CFR 64.2011 {agencies}
If it is a breach: tell the customers 47 CFR 64.2011 {customers}
Counted from when it became known, and anew where more came in another week or after it was done; in business days \
where the rule says so, without federal holidays. Our reading of the rules, not legal advice: ask counsel before you \
rely on a day.
What it reached
Subscribers' lines Counted, never named. Who they are shows only after a reason. not counted by line
CompaniesAsh Exchange
ThroughWhat an officer wrote down of a partner's house
First{known}
Last{known}
Timeline
incident: reported first@carrier.example: They wrote to us. {reported}
became known (1 time by then) The system {known}
""",
    "incident at work": """
- Acknowledge itAssign itClose itAdd a noteTake it away
+ Assign itClose itAdd a noteTake it away
- 2 hours
+ 3 hours
- nobody's yet
+ second@carrier.example
- not yet
+ {worked}
+ incident: noted first@carrier.example: They called. {worked}
+ incident: assigned first@carrier.example: Theirs. {worked}
+ incident: assigned first@carrier.example: Mine. {worked}
""",
    "incident late": """
- 3 hours
+ 1 month, 1 week
- Put it to the partner in writing, with a date to mend it our own rule {writing}
- If it is a breach: tell the agencies 47 CFR 64.2011 {agencies}
- If it is a breach: tell the customers 47 CFR 64.2011 {customers}
+ Put it to the partner in writing, with a date to mend it our own rule
+ (bad) overdue
+ {writing}
+ If it is a breach: tell the agencies 47 CFR 64.2011
+ (bad) overdue
+ {agencies}
+ If it is a breach: tell the customers 47 CFR 64.2011
+ (bad) overdue
+ {customers}
""",
    "dashboard of a late incident": """
priority_high
2 things need you
2 incidents open, 1 past the day to tell of it. Stops hold at our own gate whatever partners do.
Partners that are not well
All streams
Ash Exchange It has made no stream, so that nothing asks it every six hours whether it is there.
(warn) not verified
Open incidents (2)
All open
A breach at a partner, reported by hand Ash Exchange
(bad) overdue
opened 1 month, 1 week ago
A machine was let in or given another key without two officers {machine_aggregator} opened 1 month, 1 week ago
Waiting for a second officer
All waiting
Nobody waits for another officer's yes.
Suspended now
All running
Nothing is suspended.
Ends under way
All that ended
No partner owes us the signature that it deleted a whole contract's data.
Ending within 60 days
Contracts that end · Campaigns that end
No contract or campaign ends soon.
Books, dates and keys
Dates that partners let pass, opennone
Partners' books against oursnothing differs
Access tokens: a new key is duein use since 1 Jan 2026
Audit checkpoints: a new key is duein use since 1 Jan 2026
Manifests: a new key is duein use since 1 Jan 2026
Orders: a new key is duein use since 1 Jan 2026
Receipts: a new key is duein use since 1 Jan 2026
Reported for numbers that no line hasnone
""",
    "incident closed": """
+ (plain) Closed.
- (bad) open
+ (plain) closed
- Assign itClose itAdd a noteTake it away
+ Add a noteTake it away
- Put it to the partner in writing, with a date to mend it our own rule
- (bad) overdue
- {writing}
- If it is a breach: tell the agencies 47 CFR 64.2011
- (bad) overdue
- {agencies}
- If it is a breach: tell the customers 47 CFR 64.2011
- (bad) overdue
- {customers}
+ Put it to the partner in writing, with a date to mend it our own rule {writing}
+ If it is a breach: tell the agencies 47 CFR 64.2011 {agencies}
+ If it is a breach: tell the customers 47 CFR 64.2011 {customers}
+ incident: closed first@carrier.example: Mended. {closed}
""",
}
