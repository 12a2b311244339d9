"""The simulated CRM: a small part of Salesforce's REST API, spoken as Salesforce speaks it."""
