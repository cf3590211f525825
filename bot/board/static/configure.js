// Tells Teams what the tab is when somebody adds it to a channel.
"use strict";

async function begin() {
  const { app, pages } = window.microsoftTeams;
  await app.initialize();
  const theme = (await app.getContext()).app.theme;
  document.documentElement.dataset.theme = ["dark", "contrast"].includes(theme) ? theme : "default";
  pages.config.registerOnSaveHandler(async (saving) => {
    const address = `${location.origin}/board`;
    try {
      await pages.config.setConfig({
        entityId: "board",
        contentUrl: address,
        websiteUrl: address,
        suggestedDisplayName: "Incidents",
      });
      saving.notifySuccess();
    } catch (error) {
      saving.notifyFailure(String(error));
    }
  });
  pages.config.setValidityState(true);
  app.notifySuccess();
}

begin();
