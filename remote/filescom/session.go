package filescom

import (
	"context"
	"net/http"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// signIn returns what begins a session (the reference, "Logging in").
func (c *Client) signIn(user, password string, secret func(string)) func(context.Context) (string, error) {
	k := call{
		op: opSession, method: http.MethodPost, path: "/sessions", once: true,
		body: map[string]string{"username": user, "password": password},
	}
	return func(ctx context.Context) (string, error) {
		resp, err := c.attempt(ctx, k, "")
		if err != nil {
			return "", err
		}
		defer finish(resp)
		var answer struct {
			ID clientkit.Text `json:"id"`
		}
		if _, err := k.read(resp, &answer); err != nil {
			return "", err
		}
		if answer.ID.S == "" || address.Secret("session", answer.ID.S) != nil {
			return "", k.corrupt(resp.StatusCode, "the answer brings no session", nil)
		}
		if secret != nil {
			secret(answer.ID.S)
		}
		return answer.ID.S, nil
	}
}
