package ledger

import "context"

// Class says who waits for a request, and so what becomes of it when the
// budget runs low.
type Class uint8

// The classes, the most expendable last.
const (
	// Interactive requests have a program waiting for them.
	Interactive Class = iota
	// Writeback requests send what was changed here.
	Writeback
	// Poll requests ask whether anything changed.
	Poll
	// Prefetch requests fetch what will probably be wanted.
	Prefetch
)

// String returns the class's name as status prints it.
func (c Class) String() string {
	return [...]string{"interactive", "writeback", "poll", "prefetch"}[c&3]
}

// Cause is on whose behalf a request is made.
type Cause struct {
	// Program is the name of the executable that made the system call, ""
	// for frugalfs itself.
	Program string
	// Path is the path in the mount that it was about.
	Path string
}

// tag is what a context carries for the transport.
type tag struct {
	class      Class
	cause      Cause
	op         string
	transfer   bool
	repeatable bool
	mutating   bool
}

type tagKey struct{}

func tagOf(ctx context.Context) tag {
	t, _ := ctx.Value(tagKey{}).(tag)
	return t
}

func with(ctx context.Context, change func(*tag)) context.Context {
	t := tagOf(ctx)
	change(&t)
	return context.WithValue(ctx, tagKey{}, t)
}

// WithClass sets the class of the requests made under ctx; the default is
// Interactive.
func WithClass(ctx context.Context, c Class) context.Context {
	return with(ctx, func(t *tag) { t.class = c })
}

// WithCause sets on whose behalf requests under ctx are made.
func WithCause(ctx context.Context, c Cause) context.Context {
	return with(ctx, func(t *tag) { t.cause = c })
}

// WithOp names the operation ("list", "upload") of the next request; clients
// set it for each call.
func WithOp(ctx context.Context, op string) context.Context {
	return with(ctx, func(t *tag) { t.op = op })
}

// WithTransfer marks a request to a signed storage address: it is recorded
// beside the transactions and is none itself.
func WithTransfer(ctx context.Context) context.Context {
	return with(ctx, func(t *tag) { t.transfer = true })
}

// WithRepeatable marks a request that may be sent again although it is no GET
// and may have been carried out: doing it twice does no harm.
func WithRepeatable(ctx context.Context) context.Context {
	return with(ctx, func(t *tag) { t.repeatable = true })
}

// WithMutating marks a request that changes something although it is a GET:
// the legacy ExaVault API deletes that way. It is not sent twice.
func WithMutating(ctx context.Context) context.Context {
	return with(ctx, func(t *tag) { t.mutating = true })
}

// CauseOf returns the cause that WithCause set.
func CauseOf(ctx context.Context) Cause { return tagOf(ctx).cause }

// ClassOf returns the class that WithClass set.
func ClassOf(ctx context.Context) Class { return tagOf(ctx).class }
