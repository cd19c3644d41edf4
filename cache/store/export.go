package store

// All returns every node.
func (tx *Tx) All() ([]*Node, error) { return tx.nodesBy("1") }
