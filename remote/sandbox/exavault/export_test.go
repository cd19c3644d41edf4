package exavault

// Signature gives the tests of other packages access to signature.
var Signature = signature
