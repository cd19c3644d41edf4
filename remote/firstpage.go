package remote

import "context"

// FirstPage is what the first page of a listing tells about all of it.
type FirstPage struct {
	// Entries is how many entries the page had, Total how many the provider
	// says there are.
	Entries, Total int
}

type firstPageKey struct{}

// WithFirstPage returns a context under which a listing shows its first page to
// look, once its entries were handed over, and again each time it has to start
// again. An error of look ends the listing and is returned as it is: so a caller
// can give up a listing that turns out to be long after one transaction. Clients
// of providers that tell no total do not call look.
func WithFirstPage(ctx context.Context, look func(FirstPage) error) context.Context {
	return context.WithValue(ctx, firstPageKey{}, look)
}

// ShowFirstPage is how a client calls what [WithFirstPage] set.
func ShowFirstPage(ctx context.Context, p FirstPage) error {
	if look, ok := ctx.Value(firstPageKey{}).(func(FirstPage) error); ok {
		return look(p)
	}
	return nil
}
