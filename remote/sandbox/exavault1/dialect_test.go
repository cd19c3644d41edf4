package exavault1_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestProtocol: status 200 for what can be parsed, 500 for what cannot, a key
// and a token with everything.
func TestProtocol(t *testing.T) {
	b := open(t, "")
	b.get("getResourceList", "path", "/").want(b, 1)
	b.call(http.MethodPost, "getResourceList", "path", "/").want(b, 1)
	b.get("getResourceList", "path", "/never").want(b, 0)
	b.get("noSuchOperation").want(b, 0)
	for _, op := range []string{
		"getResourceList", "getResourceProperties", "checkFilesExist", "getFolders", "createFolder", "renameResource", "moveResources",
		"copyResources", "deleteResources", "getUploadFileUrl", "getDownloadFileUrl", "previewFile", "authenticateUser",
	} {
		if a := b.get(op); a.status != http.StatusInternalServerError {
			t.Errorf("%s without parameters: status %d", op, a.status)
		}
	}
	b.token = "another"
	b.get("getResourceList", "path", "/").want(b, 0)
	req, err := http.NewRequest(http.MethodGet, b.url+"/api/v1.2/getFolders?path=/&access_token="+token, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.send(req).want(b, 0)
	req.Header.Set("api_key", key)
	b.send(req).want(b, 1)
	if a := b.fetch(b.url + "/elsewhere"); a.status != http.StatusNotFound {
		t.Errorf("another path: status %d", a.status)
	}
}

func TestSession(t *testing.T) {
	b := open(t, "token-life=1h")
	a := b.call(http.MethodPost, "authenticateUser", "username", "ann", "password", "wrong")
	a.want(b, 0)
	equal(t, a.Error, map[string]any{"code": 100, "message": "Invalid username or password"})
	a = b.call(http.MethodPost, "authenticateUser", "username", "ann", "password", "secret")
	a.want(b, 1)
	equal(t, a.at("username"), "ann")
	b.token = a.at("accessToken").(string)
	b.get("getFolders", "path", "/").want(b, 1)
	b.clock.Add(59 * time.Minute)
	b.get("getFolders", "path", "/").want(b, 1)
	b.clock.Add(time.Minute)
	b.get("getFolders", "path", "/").want(b, 0)
	a = b.call(http.MethodPost, "authenticateUser", "username", "ann", "password", "secret")
	b.token = a.at("accessToken").(string)
	a = b.call(http.MethodPost, "logoutUser")
	a.want(b, 1)
	equal(t, a.Results, []any{})
	b.get("getFolders", "path", "/").want(b, 0)
}

// TestBurst: 500 requests in five minutes, and a quarter of an hour of refusals
// after one more.
func TestBurst(t *testing.T) {
	b := open(t, "burst=10")
	for range 10 {
		b.get("getFolders", "path", "/").want(b, 1)
		b.clock.Add(time.Second)
	}
	b.get("getFolders", "path", "/").want(b, 0)
	b.clock.Add(14 * time.Minute)
	b.get("getFolders", "path", "/").want(b, 0)
	b.clock.Add(time.Minute)
	b.get("getFolders", "path", "/").want(b, 1)
}

func TestListing(t *testing.T) {
	b := open(t, "")
	b.call(http.MethodPost, "createFolder", "folderName", "sub", "path", "/").want(b, 1)
	for i := range 60 {
		b.upload(fmt.Sprintf("/sub/file %02d", i), "x")
	}
	a := b.get("getResourceList", "path", "/sub")
	equal(t, len(a.at("resources").([]any)), 50)
	equal(t, a.at("totalFiles"), 60)
	a = b.get("getResourceList", "path", "/sub", "offset", "58", "limit", "1000", "sortOrder", "asc", "sortBy", "sort_files_name")
	equal(t, len(a.at("resources").([]any)), 2)
	equal(t, a.at("resources", 0), map[string]any{
		"name": "file 58", "path": "/sub/file 58", "parent": "/sub", "type": "file", "size": 1, "uploadDate": "2026-03-04 13:00:00", "createdBy": "ann",
		"extension": "", "previewable": false, "shares": []any{}, "notificationSettings": nil, "directFile": nil,
	})
	a = b.get("getResourceList", "path", "/", "pattern", "^FILE 0[0-4]$")
	equal(t, a.at("totalFiles"), 5)
	equal(t, b.get("getFolders", "path", "/").at(0, "fileCount"), 60)
	b.get("getResourceList", "path", "/sub/file 01").want(b, 0)
	a = b.get("checkFilesExist", "filePaths[]", "/sub/file 01", "filePaths[]", "/never")
	equal(t, []any{a.at(0, "exists"), a.at(0, "resource", "path"), a.at(1, "exists"), a.at(1, "resource")}, []any{true, "/sub/file 01", false, nil})
	equal(t, b.get("getResourceProperties", "filePaths[]", "/sub").at(0, "type"), "dir")
	b.get("getResourceProperties", "filePaths[]", "/sub", "filePaths[]", "/never").want(b, 0)
}

// TestTransfers: an address is good for one use, within its time, for what it
// was made for.
func TestTransfers(t *testing.T) {
	b := open(t, "")
	if a := b.upload("/file", "content"); a.Success != 1.0 || b.content("file") != "content" {
		t.Errorf("got %s; there is %q", a.body, b.content("file"))
	}
	before := b.srv.Count()
	link := func() string { return b.get("getDownloadFileUrl", "filePaths", "/file").at("url").(string) }
	used := link()
	a := b.fetch(used)
	equal(t, []any{a.status, a.body, a.header.Get("Content-Type")}, []any{200, "content", "application/octet-stream"})
	equal(t, b.fetch(used).status, http.StatusForbidden)
	a = b.fetch(link(), "Range", "bytes=3-4")
	equal(t, []any{a.status, a.body, a.header.Get("Content-Range")}, []any{206, "te", "bytes 3-4/7"})
	equal(t, b.fetch(link(), "Range", "bytes=7-").status, http.StatusRequestedRangeNotSatisfiable)
	equal(t, b.post(link(), "x").status, http.StatusForbidden)
	late := link()
	b.clock.Add(30 * time.Second)
	equal(t, b.fetch(late).status, http.StatusForbidden)
	equal(t, b.srv.Count()-before, 5) // the transfers are not counted
	transfers := 0
	for _, r := range b.srv.Requests() {
		if r.Transfer {
			transfers++
		}
	}
	equal(t, transfers, 7)
}

func TestUpload(t *testing.T) {
	b := open(t, "")
	b.upload("/file", "old").want(b, 1)
	b.upload("/file", "new", "allowOverwrite", "false").want(b, 1)
	equal(t, []string{b.content("file"), b.content("file (1)")}, []string{"old", "new"})
	b.clock.Add(time.Hour)
	b.upload("/file", "newest").want(b, 1) // overwriting is the default
	equal(t, b.content("file"), "newest")
	equal(t, b.get("getResourceProperties", "filePaths[]", "/file").at(0, "uploadDate"), "2026-03-04 14:00:00")
	short := b.get("getUploadFileUrl", "fileSize", "10", "destinationPath", "/short").at("url").(string)
	b.post(short, "x").want(b, 0)
	equal(t, b.content("short"), "-")
	b.call(http.MethodPost, "createFolder", "folderName", "sub", "path", "/").want(b, 1)
	b.get("getUploadFileUrl", "fileSize", "1", "destinationPath", "/sub").want(b, 0)
	b.upload("/deep/down", "x").want(b, 1)
	equal(t, b.content("deep/down"), "x")
}

// TestBatches: 1 if all went well, 2 if some failed, 0 if all did.
func TestBatches(t *testing.T) {
	b := open(t, "")
	for _, n := range []string{"/a", "/b", "/c"} {
		b.upload(n, "content").want(b, 1)
	}
	b.call(http.MethodPost, "createFolder", "folderName", "to", "path", "/").want(b, 1)
	a := b.call(http.MethodPost, "moveResources", "filePaths[]", "/a", "filePaths[]", "/never", "destinationPath", "/to")
	a.want(b, 2)
	equal(t, a.Results, []map[string]any{
		{"file": "/a", "destination": "/to/a", "size": 7, "success": true},
		{"file": "/never", "destination": "/to", "size": 0, "success": false},
	})
	b.call(http.MethodPost, "copyResources", "filePaths[]", "/b", "destinationPath", "/to").want(b, 1)
	b.call(http.MethodPost, "moveResources", "filePaths[]", "/b", "destinationPath", "/to").want(b, 0)
	b.call(http.MethodPost, "renameResource", "filePath", "/b", "newName", "c").want(b, 0)
	b.call(http.MethodPost, "renameResource", "filePath", "/b", "newName", "d").want(b, 1)
	equal(t, []string{b.content("to/a"), b.content("to/b"), b.content("b"), b.content("d")}, []string{"content", "content", "-", "content"})
	a = b.get("deleteResources", "filePaths[]", "/to", "filePaths[]", "/d")
	a.want(b, 1)
	equal(t, a.at(1), map[string]any{"file": "/d", "size": 7, "success": true})
	b.get("deleteResources", "filePaths[]", "/to").want(b, 0)
	b.get("deleteResources", "filePaths[]", "/to", "filePaths[]", "/").want(b, 0)
}

func TestLog(t *testing.T) {
	b := open(t, "")
	b.upload("/a", "content")
	b.clock.Add(time.Second)
	b.call(http.MethodPost, "renameResource", "filePath", "/a", "newName", "b").want(b, 1)
	a := b.get("getFileActivityLogs")
	a.want(b, 1)
	equal(t, a.at(0), map[string]any{
		"id": "2", "created": "2026-03-04 20:00:01", "operation": "RNTO", "fileName": "/b", "fileSource": "/a", "bytesTransferred": "0", "duration": "0",
		"username": "ann", "ipAddress": "127.0.0.1", "protocol": "web", "sessionId": "1", "status": "-",
	})
	equal(t, a.at(1, "bytesTransferred"), "7")
	a = b.get("getFileActivityLogs", "filterBy", "filter_logs_date", "filter", "2026-03-04 20:00:01::2026-03-05", "sortOrder", "asc")
	equal(t, len(a.Results.([]any)), 1)
	equal(t, b.get("getFileActivityLogs", "filterBy", "filter_logs_operation", "filter", "STOR").at(0, "fileName"), "/a")
	equal(t, b.get("getFileActivityLogs", "offset", "1", "itemLimit", "5").at(0, "id"), "1")
	for _, filter := range []string{"x", "x::y"} {
		equal(t, b.get("getFileActivityLogs", "filterBy", "filter_logs_date", "filter", filter).status, 500)
	}
	equal(t, b.get("getFileActivityLogs", "sortBy", "sort_logs_odd").status, 500)
}
