// Command frugalfs mounts an account at a file-hosting service as a local
// directory, and spends as few of its transactions as it can.
package main

import (
	"os"

	"github.com/frugalfs/frugalfs/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:])) }
