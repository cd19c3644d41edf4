package exavault

import (
	"net"
	"net/http"
	"strings"
)

// sessionID is what the log shows: the API has no sessions.
const sessionID = "5da9b4a8bd961dfa0a56fa0dc15aaffe57069271b389e"

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// account answers GET /account.
func (a *api) account(w http.ResponseWriter, r *http.Request) error {
	body := map[string]any{"responseStatus": http.StatusOK, "data": a.accountRecord()}
	if strings.Contains(r.URL.Query().Get("include"), "masterUser") {
		body["included"] = []any{a.userRecord()}
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// accountRecord is the schema Account.
func (a *api) accountRecord() map[string]any {
	const since = "2019-05-30T20:48:57Z"
	return map[string]any{
		"id": accountID, "type": "account",
		"attributes": map[string]any{
			"accountName": a.Account, "accountOnboarding": true, "allowedIp": nil, "branding": true, "clientId": 1,
			"complexPasswords": false, "created": since, "customDomain": false, "customSignature": nil,
			"externalDomains": nil, "maxUsers": 5, "modified": since, "secureOnly": false, "showReferralLinks": true,
			"status": 1, "userCount": 1, "welcomeEmailContent": "", "welcomeEmailSubject": "",
			"quota": map[string]any{
				"diskLimit": a.DiskLimit, "diskUsed": a.Store.Top().Size,
				"bandwidthLimit": int64(1) << 62, "bandwidthUsed": 0,
				"transactionsLimit": a.Limit(), "transactionsNoticeEnabled": false, "transactionsNoticeThreshold": 90,
				"noticeEnabled": false, "noticeThreshold": 90,
			},
		},
		"relationships": map[string]any{"masterUser": relation{record{userID, "user"}}},
	}
}

// userRecord is the schema User.
func (a *api) userRecord() map[string]any {
	const since = "2020-07-24T07:51:12-07:00"
	rights := map[string]bool{
		"changePassword": true, "share": true, "notification": true, "viewFormData": true, "deleteFormData": true,
	}
	for _, p := range permissions {
		rights[p] = !a.Switches.Has("deny", p)
	}
	user := map[string]any{
		"id": userID, "type": "user",
		"attributes": map[string]any{
			"accessTimestamp": since, "accountName": a.Account, "created": since, "email": "user@example.com",
			"expiration": nil, "firstLogin": false, "homeDir": a.home, "modified": since, "nickname": a.Username,
			"onboarding": true, "permissions": rights, "role": "master", "status": 1,
			"timeZone": "America/Los_Angeles", "username": a.Username,
		},
	}
	relations := map[string]any{"ownerAccount": relation{record{accountID, "account"}}}
	if home, err := a.Store.Lookup(a.home); err == nil {
		relations["homeResource"] = relation{record{home.ID, "resource"}}
	}
	user["relationships"] = relations
	return user
}
