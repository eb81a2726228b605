"use strict";
// What must outlive a browser that is killed is on disk before the next key: strict transactions of IndexedDB. The
// browser's plain storage, which tells other tabs at once, may be a minute behind on disk.

function openVault() {
  const opened = new Promise((resolve) => {
    try {
      const request = indexedDB.open("harness-label", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("kept");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });

  // Keeps `value` unless what is there is later; tells whether it is on disk.
  async function put(key, value, isLater) {
    const db = await opened;
    if (!db) return false;
    return new Promise((resolve) => {
      const change = db.transaction("kept", "readwrite", { durability: "strict" });
      const kept = change.objectStore("kept");
      const known = kept.get(key);
      known.onsuccess = () => { if (isLater(value, known.result)) kept.put(value, key); };
      change.oncomplete = () => resolve(true);
      change.onabort = () => resolve(false);
    });
  }

  // All [key, value] whose key begins with `prefix`.
  async function all(prefix) {
    const db = await opened;
    if (!db) return [];
    return new Promise((resolve) => {
      const found = [];
      const request = db.transaction("kept").objectStore("kept").openCursor(IDBKeyRange.bound(prefix, `${prefix}\uffff`));
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor) return resolve(found);
        found.push([cursor.key, cursor.value]);
        return cursor.continue();
      };
      request.onerror = () => resolve(found);
    });
  }

  return { put, all };
}
