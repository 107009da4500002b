/** Common words of three to six letters, to spell and to read. */
export const COMMON_WORDS: readonly string[] = (
  "able also apple back ball bank bird blue boat book box bread bring brown cake call car cat chair city clean clock " +
  "cloud coat cold come cook corn cup dance day deep desk dog door down dream dress drink dry duck early earth east " +
  "easy egg empty face family farm fast father fish five floor flower food foot forest four fox free fresh friend " +
  "fruit full game garden girl give glass gold good grass great green group hair hand happy hard hat have head " +
  "heart help high hill home horse hot house ice idea island jacket job joke juice jump just keep key kind king " +
  "kitten lake lamp large last late laugh leaf learn left lemon letter light like lion list live long look love lunch " +
  "make map market meal meet milk mind money month moon more mother mouse music name nature near new next night nine " +
  "north nose ocean old one open orange paint paper park party peace pen phone piano place plant play pond pretty " +
  "quick quiet quiz rain read ready red rice right river road rock roof room rose round run salt sand school sea seven " +
  "shape sheep ship shoe shop sign silver simple sing sister six sleep slow small smile snow sock soft song soup south " +
  "spring square star start stone store story street strong sugar summer sun swim table tea thing think three tiger " +
  "time town train travel tree true turtle two under unit uncle van very view visit voice walk wall warm wash watch " +
  "water wave week west wheel white wild wind window winter wish wood word work world write year yellow yes young zebra " +
  "zero zone zoo"
)
  .split(" ")
  .map((word) => word.toUpperCase());
