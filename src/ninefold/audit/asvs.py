"""The requirements of OWASP ASVS 5.0.0 (May 2025), by section: how many each has, and what it is called.

From the English list of that release (github.com/OWASP/ASVS, `5.0/docs_en`, CC BY-SA 4.0), whose requirements are
numbered from 1 without a gap. Of the requirements themselves nothing is copied.
"""

from __future__ import annotations

_SECTIONS = {
    "V1.1": (2, "Encoding and Sanitization Architecture"),
    "V1.2": (10, "Injection Prevention"),
    "V1.3": (12, "Sanitization"),
    "V1.4": (3, "Memory, String, and Unmanaged Code"),
    "V1.5": (3, "Safe Deserialization"),
    "V2.1": (3, "Validation and Business Logic Documentation"),
    "V2.2": (3, "Input Validation"),
    "V2.3": (5, "Business Logic Security"),
    "V2.4": (2, "Anti-automation"),
    "V3.1": (1, "Web Frontend Security Documentation"),
    "V3.2": (3, "Unintended Content Interpretation"),
    "V3.3": (5, "Cookie Setup"),
    "V3.4": (8, "Browser Security Mechanism Headers"),
    "V3.5": (8, "Browser Origin Separation"),
    "V3.6": (1, "External Resource Integrity"),
    "V3.7": (5, "Other Browser Security Considerations"),
    "V4.1": (5, "Generic Web Service Security"),
    "V4.2": (5, "HTTP Message Structure Validation"),
    "V4.3": (2, "GraphQL"),
    "V4.4": (4, "WebSocket"),
    "V5.1": (1, "File Handling Documentation"),
    "V5.2": (6, "File Upload and Content"),
    "V5.3": (3, "File Storage"),
    "V5.4": (3, "File Download"),
    "V6.1": (3, "Authentication Documentation"),
    "V6.2": (12, "Password Security"),
    "V6.3": (8, "General Authentication Security"),
    "V6.4": (6, "Authentication Factor Lifecycle and Recovery"),
    "V6.5": (8, "General Multi-factor authentication requirements"),
    "V6.6": (4, "Out-of-Band authentication mechanisms"),
    "V6.7": (2, "Cryptographic authentication mechanism"),
    "V6.8": (4, "Authentication with an Identity Provider"),
    "V7.1": (3, "Session Management Documentation"),
    "V7.2": (4, "Fundamental Session Management Security"),
    "V7.3": (2, "Session Timeout"),
    "V7.4": (5, "Session Termination"),
    "V7.5": (3, "Defenses Against Session Abuse"),
    "V7.6": (2, "Federated Re-authentication"),
    "V8.1": (4, "Authorization Documentation"),
    "V8.2": (4, "General Authorization Design"),
    "V8.3": (3, "Operation Level Authorization"),
    "V8.4": (2, "Other Authorization Considerations"),
    "V9.1": (3, "Token source and integrity"),
    "V9.2": (4, "Token content"),
    "V10.1": (2, "Generic OAuth and OIDC Security"),
    "V10.2": (3, "OAuth Client"),
    "V10.3": (5, "OAuth Resource Server"),
    "V10.4": (16, "OAuth Authorization Server"),
    "V10.5": (5, "OIDC Client"),
    "V10.6": (2, "OpenID Provider"),
    "V10.7": (3, "Consent Management"),
    "V11.1": (4, "Cryptographic Inventory and Documentation"),
    "V11.2": (5, "Secure Cryptography Implementation"),
    "V11.3": (5, "Encryption Algorithms"),
    "V11.4": (4, "Hashing and Hash-based Functions"),
    "V11.5": (2, "Random Values"),
    "V11.6": (2, "Public Key Cryptography"),
    "V11.7": (2, "In-Use Data Cryptography"),
    "V12.1": (5, "General TLS Security Guidance"),
    "V12.2": (2, "HTTPS Communication with External Facing Services"),
    "V12.3": (5, "General Service to Service Communication Security"),
    "V13.1": (4, "Configuration Documentation"),
    "V13.2": (6, "Backend Communication Configuration"),
    "V13.3": (4, "Secret Management"),
    "V13.4": (7, "Unintended Information Leakage"),
    "V14.1": (2, "Data Protection Documentation"),
    "V14.2": (8, "General Data Protection"),
    "V14.3": (3, "Client-side Data Protection"),
    "V15.1": (5, "Secure Coding and Architecture Documentation"),
    "V15.2": (5, "Security Architecture and Dependencies"),
    "V15.3": (7, "Defensive Coding"),
    "V15.4": (4, "Safe Concurrency"),
    "V16.1": (1, "Security Logging Documentation"),
    "V16.2": (5, "General Logging"),
    "V16.3": (4, "Security Events"),
    "V16.4": (3, "Log Protection"),
    "V16.5": (4, "Error Handling"),
    "V17.1": (2, "TURN Server"),
    "V17.2": (8, "Media"),
    "V17.3": (2, "Signaling"),
}


def section(requirement: str) -> str:
    """What the section of a requirement (`V3.4.2`) is called. Raises `KeyError` for one that ASVS 5.0.0 does not have."""
    at, _, number = requirement.rpartition(".")
    count, title = _SECTIONS[at]
    if number not in map(str, range(1, count + 1)):
        raise KeyError(requirement)
    return title
