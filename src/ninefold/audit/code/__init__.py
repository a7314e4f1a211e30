"""Source in JavaScript, TypeScript, Go and Java, read into one small tree that the source rules ask."""
