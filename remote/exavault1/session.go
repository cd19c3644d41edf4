package exavault1

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// signIn returns what gets a token (the SDK, authenticateUser).
func (c *Client) signIn(user, password string, secret func(string)) func(context.Context) (string, error) {
	k := call{op: opLogin, name: "authenticateUser", post: true, form: url.Values{"username": {user}, "password": {password}}}
	return func(ctx context.Context) (string, error) {
		a, err := c.send(ctx, k, "")
		if err != nil {
			return "", err
		}
		var results struct {
			AccessToken clientkit.Text `json:"accessToken"`
		}
		err = clientkit.Lenient(json.Unmarshal(a.Results, &results))
		token := results.AccessToken.S
		if err != nil || token == "" || address.Secret("access token", token) != nil {
			return "", k.corrupt("the answer brings no token", err)
		}
		if secret != nil {
			secret(token)
		}
		return token, nil
	}
}
